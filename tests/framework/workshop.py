"""A workshop that compiles each victim once, for all workers of a run and for later runs."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from groundhog.audit.workshop import SOURCES, Workshop

if TYPE_CHECKING:
    from collections.abc import Sequence

TARGET = Path(__file__).parents[2] / "target"
CACHE = TARGET / "victims"
CRATES = TARGET / "tmp" / "victims"
"""Where the tests of the crates compile the same sources in C, with the same options."""


class SharedWorkshop(Workshop):
    """It makes copies of what is in the cache: victims run as users who may not enter that folder."""

    def __init__(self, cache: Path = CACHE, crates: Path = CRATES) -> None:
        super().__init__(strict=True)
        self._cache, self._crates = cache, crates
        cache.mkdir(parents=True, exist_ok=True)

    def _compile(self, compiler: tuple[str, ...], target: Path, sources: Sequence[Path]) -> None:
        made = self._cache / f"{target.name}-{_key(compiler, sources)}"
        with made.with_suffix(".lock").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # closing the file unlocks it
            if not made.exists():
                # A run that is ended in the middle of this leaves nothing that looks complete.
                begun = made.with_suffix(".begun")
                if begun.is_dir():
                    shutil.rmtree(begun)
                compiled = self._crates / target.name
                if compiler[0] == "gcc" and _is_newer(compiled, compiler, sources):
                    shutil.copy(compiled, begun)
                else:
                    super()._compile(compiler, begun, sources)
                begun.rename(made)
        if made.is_dir():
            shutil.copytree(made, target)
        else:
            shutil.copy(made, target)


def _key(compiler: tuple[str, ...], sources: Sequence[Path]) -> str:
    """Everything that the result depends on, in a few letters."""
    program = _program(compiler)
    hashed = hashlib.sha256(repr((compiler, program, program.stat().st_mtime_ns)).encode())
    for path in _read(sources):
        hashed.update(repr((path.name, path.read_bytes())).encode())
    return hashed.hexdigest()[:16]


def _is_newer(made: Path, compiler: tuple[str, ...], sources: Sequence[Path]) -> bool:
    """Whether it was made after all that it depends on."""
    if not made.exists():
        return False
    return all(path.stat().st_mtime < made.stat().st_mtime for path in [_program(compiler), *_read(sources)])


def _program(compiler: tuple[str, ...]) -> Path:
    return Path(shutil.which(compiler[0]) or compiler[0]).resolve()


def _read(sources: Sequence[Path]) -> list[Path]:
    """What the compiler reads, or may read."""
    return [*sources, *sorted(SOURCES.rglob("*.h"))]
