"""Compiles the suite's kernels: to programs of this machine, and to WebAssembly."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from groundhog.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from groundhog.bench.suite.case import Case

_HERE = Path(__file__).parent
_SHARED = (_HERE / "kernel.h", _HERE / "serve.c")
# No fused multiply-add: it rounds once where others round twice, and checksums must be the same everywhere.
_OPTIONS = ("-std=gnu11", "-O2", "-ffp-contract=off")
_WASI = ("--target=wasm32-wasi", "-DGROUNDHOG_ONE_REQUEST")
_WASI_PACKAGES = "clang lld wasi-libc libclang-rt-14-dev-wasm32"


def build(case: Case, folder: Path) -> Path:
    """The program that serves a kernel over ActionLoop; with ``--fork``, a child of its own per request.

    Args:
        case: one of the suite's cases.
        folder: where the program is kept, named by the hash of its source. One that is there is not compiled
            again.

    Raises:
        ConfigError: there is no C compiler, or it refuses the source.
    """
    return _built(case, folder, ("cc", *_OPTIONS), "", "apt install gcc libc6-dev")


def build_wasm(case: Case, folder: Path) -> Path:
    """The WebAssembly module whose ``_start`` answers one request of a kernel on stdout, for WASI.

    Args:
        case: one of the suite's cases.
        folder: where the module is kept, as by `build`.

    Raises:
        ConfigError: there is no clang, or it lacks a part for WASI.
    """
    command = ("clang", *_WASI, *_OPTIONS)
    return _built(case, folder, command, ".wasm", f"apt install {_WASI_PACKAGES}")


def _built(case: Case, folder: Path, command: Sequence[str], suffix: str, remedy: str) -> Path:
    compiler = shutil.which(command[0])
    if compiler is None:
        raise ConfigError(f"{case.id} needs the compiler {command[0]!r}, which is not there: {remedy}")
    digest = hashlib.sha256("\0".join(command).encode())
    for path in (*_SHARED, case.source):
        digest.update(b"\0" + path.read_bytes())
    program = folder.absolute() / f"{case.name}-{digest.hexdigest()[:16]}{suffix}"
    if program.exists():
        return program
    folder.mkdir(parents=True, exist_ok=True)
    # Another process may compile the same: each works in a place of its own, and the last one to end wins.
    with tempfile.TemporaryDirectory(dir=folder) as own:
        made = Path(own, program.name)
        sources = [str(case.source), str(_HERE / "serve.c")]
        arguments = [compiler, *command[1:], f"-I{_HERE}", *sources, "-o", str(made), "-lm"]
        result = subprocess.run(arguments, capture_output=True, text=True, errors="replace", check=False)
        if result.returncode:
            raise ConfigError(
                f"{case.id} could not be compiled by {compiler}; if it lacks a part: {remedy}\n"
                f"{result.stderr[-2000:]}"
            )
        os.replace(made, program)  # noqa: PTH105 - pathlib's replace would not say that it is atomic
    return program
