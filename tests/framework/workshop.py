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

CACHE = Path(__file__).parents[2] / "target" / "victims"


class SharedWorkshop(Workshop):
    """It makes copies of what is in the cache: victims run as users who may not enter that folder."""

    def __init__(self, cache: Path = CACHE) -> None:
        super().__init__(strict=True)
        self._cache = cache
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
                super()._compile(compiler, begun, sources)
                begun.rename(made)
        if made.is_dir():
            shutil.copytree(made, target)
        else:
            shutil.copy(made, target)


def _key(compiler: tuple[str, ...], sources: Sequence[Path]) -> str:
    """Everything that the result depends on, in a few letters."""
    program = Path(shutil.which(compiler[0]) or compiler[0]).resolve()
    hashed = hashlib.sha256(repr((compiler, program, program.stat().st_mtime_ns)).encode())
    for path in [*sources, *sorted(SOURCES.rglob("*.h"))]:
        hashed.update(repr((path.name, path.read_bytes())).encode())
    return hashed.hexdigest()[:16]
