"""What functions of the gallery run in: packages and programs in a folder of its own, `.gallery`."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from groundhog import Function
from tests.framework import mariadb, postgres, redis_server
from tests.gallery.catalog import FOLDER

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack

    from tests.gallery.catalog import Entry

ROOT = FOLDER.parents[1]
HOME = ROOT / ".gallery"
REQUIREMENTS = ROOT / "requirements/gallery.txt"
NODE_FILES = tuple(FOLDER / "nodejs" / name for name in ("package.json", "package-lock.json"))
INTERPRETERS = {".sh": "bash", ".pl": "perl", ".rb": "ruby", ".php": "php"}
BUN = "nodejs/node_modules/@oven/bun-linux-x64/bin/bun"
JAVA_OPTIONS = ("-Xmx128m", "-Xms128m", "-XX:+UseSerialGC", "-XX:-UsePerfData")


class MissingError(Exception):
    """A program without which the gallery cannot be run; the message names it."""


def _postgresql(stack: ExitStack) -> str:
    return stack.enter_context(postgres.running())


def _mysql(stack: ExitStack) -> str:
    return json.dumps(stack.enter_context(mariadb.running()))


def _redis(stack: ExitStack) -> str:
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="groundhog-redis-"))
    return f"redis://127.0.0.1:{stack.enter_context(redis_server.running(Path(folder))).port}"


SERVERS: dict[str, Callable[[ExitStack], str]] = {
    "postgresql": _postgresql,
    "mysql": _mysql,
    "redis": _redis,
}
"""What starts a database, and says its address: functions have that in a variable of its name in capitals."""


@dataclass(frozen=True, slots=True)
class Environment:
    """Where packages and compiled programs are; without a folder, where nothing but the languages is."""

    folder: Path | None = None
    addresses: dict[str, str] = field(default_factory=dict)
    """Of the databases that run, by the names of the variables."""

    @property
    def python(self) -> Path | None:
        """The interpreter that has the packages."""
        return self.folder and self.folder / "venv/bin/python"

    def install(self) -> None:
        """Install the pinned packages, unless they are there."""
        assert self.folder is not None
        self.folder.mkdir(exist_ok=True)
        venv, node = self.folder / "venv", self.folder / "nodejs"
        if _is_stale(venv, (REQUIREMENTS,)):
            _run(sys.executable, "-m", "venv", "--clear", venv)
            pip = (venv / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
            _run(*pip, "--requirement", REQUIREMENTS)
            _mark(venv, (REQUIREMENTS,))
        if _is_stale(node, NODE_FILES):
            node.mkdir(exist_ok=True)
            for file in NODE_FILES:
                shutil.copy(file, node)
            # Their native modules come with the packages; a script could only fetch others.
            _run(_program("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent", cwd=node)
            _mark(node, NODE_FILES)

    def start(self, servers: set[str], stack: ExitStack) -> None:
        """Start databases; they end with the stack."""
        for name in sorted(servers):
            self.addresses[name.upper()] = SERVERS[name](stack)

    def function(self, entry: Entry, rounds: int | None = None) -> Function:
        """The function of an entry, compiled if it has to be. ``rounds``: of the warm-up."""
        warmup = entry.warmup * (entry.rounds if rounds is None else rounds)
        for program in entry.programs:
            _program(program)
        if entry.file.startswith("programs/"):
            return Function.from_command(self._command(entry), warmup=warmup, name=entry.name)
        if entry.path.suffix == ".py":
            interpreter = (str(self.python),) if self.python else ()
            return Function.from_file(entry.path, warmup=warmup, interpreter=interpreter, env=self.addresses)
        modules = {"NODE_PATH": str(self.folder / "nodejs/node_modules")} if self.folder else {}
        return Function.from_file(entry.path, warmup=warmup, env={**self.addresses, **modules})

    def _command(self, entry: Entry) -> tuple[str | Path, ...]:
        source = entry.path
        if source.suffix in INTERPRETERS:
            return (_program(INTERPRETERS[source.suffix]), source)
        assert self.folder is not None
        if source.suffix == ".js":
            return (self.folder / BUN, source)
        made = self.folder / "programs" / Path(entry.name).name
        if source.suffix == ".toml":
            built = ("build", "--quiet", "--release", "--locked", "--manifest-path", source)
            _run(_program("cargo"), *built, "--target-dir", made)
            return (made / "release" / Path(entry.name).name,)
        if _is_stale(made, (source,)):
            made.mkdir(parents=True, exist_ok=True)
            if source.suffix == ".go":
                _run(_program("go"), "build", "-o", made / source.stem, source)
            else:
                _run(_program("javac"), "-Xlint:all", "-Werror", "-d", made, source)
            _mark(made, (source,))
        if source.suffix == ".go":
            return (made / source.stem,)
        return (_program("java"), *(entry.options or JAVA_OPTIONS), "-cp", made, source.stem)

    def versions(self) -> dict[str, str]:
        """Of the languages."""
        return {
            "Python": sys.version.partition(" ")[0],
            "Node": _output("node", "--version").lstrip("v"),
            "Groundhog": metadata.version("groundhog-faas"),
        }


def pins() -> dict[str, str]:
    """The version of each pinned Python distribution, by its name in lower case."""
    lines = REQUIREMENTS.read_text(encoding="utf-8").splitlines()
    return dict(line.lower().split("==") for line in lines if line and not line.startswith("#"))


PATHS = {"imagemagick": "/usr/bin/convert"}
"""Where a program is that has no command of its name."""


def _program(name: str) -> str:
    found = shutil.which(PATHS.get(name, name))
    if found is None:
        raise MissingError(f"there is no {name} here: `make gallery` installs what functions need")
    return found


def _output(*argv: str) -> str:
    return subprocess.run(
        [_program(argv[0]), *argv[1:]], check=True, capture_output=True, text=True
    ).stdout.strip()


def _run(*argv: str | Path, cwd: Path = ROOT) -> None:
    subprocess.run([os.fspath(word) for word in argv], cwd=cwd, check=True)


def digest(*files: Path) -> str:
    """Of what is in them."""
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def _is_stale(made: Path, sources: tuple[Path, ...]) -> bool:
    mark = made / ".installed"
    return not mark.is_file() or mark.read_text("ascii") != digest(*sources)


def _mark(made: Path, sources: tuple[Path, ...]) -> None:
    (made / ".installed").write_text(digest(*sources), "ascii")
