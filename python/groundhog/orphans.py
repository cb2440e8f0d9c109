"""Orphans: children of a function that outlive their parent. A server takes them in, and buries them.

They stay as zombies until whoever inherits them has waited for them. Until then everybody sees their names,
which requests choose, so a later request would learn of an earlier one; and each takes one of the processes
that a container may have. Process 1 of a machine waits for them when it comes to that, that of a container
perhaps never. So a server inherits them, and waits for them before a process that was restored serves again.

Programs of others, in which there is a pool, may have children of their own, of which nobody may ask.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
from typing import TYPE_CHECKING

from groundhog._log import log

if TYPE_CHECKING:
    from collections.abc import Iterator

_SET_CHILD_SUBREAPER = 36
_WNOTHREAD = 0x20000000
"""Of this thread only: others wait for what they have started themselves. waitid(2)"""
_WALL = 0x40000000
_inherits = False


@contextlib.contextmanager
def inherited() -> Iterator[None]:
    """By us meanwhile. In the first thread, which gets them, of a program that starts no children there."""
    global _inherits  # noqa: PLW0603 - it is the process that inherits
    _inherits = _set_subreaper(1) or os.getpid() == 1
    if not _inherits:
        log.warning("orphans of functions are left to process 1: prctl failed")
    try:
        yield
    finally:
        bury()
        _inherits = False
        _set_subreaper(0)


def _set_subreaper(value: int) -> bool:
    return bool(ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, value, 0, 0, 0) == 0)


def bury() -> None:
    """Wait for those that have ended, if this process inherits any."""
    if not _inherits:
        return
    try:
        while os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | _WNOTHREAD | _WALL) is not None:
            pass
    except ChildProcessError:  # there are none
        return
