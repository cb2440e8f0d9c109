"""What this process leaves out of the promise, for tests and benchmarks.

Only code in the process can ask for it: no option, no file and no variable of the environment reaches it, so
that nobody who can set those of a server weakens it. Whatever is left out is an error in the log.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from groundhog._log import log

if TYPE_CHECKING:
    from collections.abc import Iterator

RESEEDING = "reseeding"
PARTS = {RESEEDING: "requests draw the same random numbers as others"}
"""What can be left out, and what comes of it."""

_left_out: set[str] = set()


@contextmanager
def weakened(part: str) -> Iterator[None]:
    """Leave a part of the promise out, in this process, until the block ends."""
    if part not in PARTS:
        raise ValueError(f"unknown part {part!r}: choose one of {', '.join(PARTS)}")
    if part in _left_out:
        raise ValueError(f"{part} is left out already")
    log.error(f"ISOLATION IS WEAKENED BY A TEST: {PARTS[part]}", left_out=part)
    _left_out.add(part)
    try:
        yield
    finally:
        _left_out.remove(part)


def keeps(part: str, pid: int | None) -> bool:
    """Whether a process that is started now gets that part of the promise; the log tells if it does not."""
    if part not in _left_out:
        return True
    log.error(f"A FUNCTION PROCESS IS WEAKENED BY A TEST: {PARTS[part]}", left_out=part, pid=pid)
    return False
