"""Installs the packages that the suite's functions in Node need."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

from groundhog.errors import ConfigError

NODEJS = Path(__file__).parent / "nodejs"
_COMMAND = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent")


def install(folder: Path) -> Path:
    """The functions in Node beside their packages.

    Args:
        folder: where that is kept, named by the hash of the lock file. npm runs only if it is not there yet;
            functions that have changed are copied anew.

    Returns:
        The folder with the functions; each has the same name as in `NODEJS`.

    Raises:
        ConfigError: there is no npm, or it fails.
    """
    locked = hashlib.sha256((NODEJS / "package-lock.json").read_bytes()).hexdigest()
    target = folder.absolute() / f"faasprofiler-{locked[:16]}"
    if not target.exists():
        _make(target)
    for source in NODEJS.glob("*.js"):
        copy = target / source.name
        if not copy.exists() or copy.read_bytes() != source.read_bytes():
            shutil.copy(source, copy)
    return target


def _make(target: Path) -> None:
    npm = shutil.which(_COMMAND[0])
    if npm is None:
        raise ConfigError("faasprofiler needs 'npm', which is not there: apt install npm")
    target.parent.mkdir(parents=True, exist_ok=True)
    # Another process may install the same: each works in a place of its own, and the first one to end wins.
    with tempfile.TemporaryDirectory(dir=target.parent) as own:
        made = Path(own, "nodejs")
        shutil.copytree(NODEJS, made, ignore=shutil.ignore_patterns("node_modules"))
        result = subprocess.run(
            [npm, *_COMMAND[1:]], cwd=made, capture_output=True, text=True, errors="replace", check=False
        )
        if result.returncode:
            said = (result.stderr or result.stdout)[-2000:]
            raise ConfigError(f"npm could not install the packages of faasprofiler\n{said}")
        try:
            made.rename(target)
        except OSError:
            if not target.exists():
                raise
