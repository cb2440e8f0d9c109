"""Orphans: children of a function that outlive their parent. A server takes them in, and buries them.

They stay as zombies until whoever inherits them has waited for them. Until then everybody sees their names,
which requests choose, so a later request would learn of an earlier one; and each takes one of the processes
that a container may have. Process 1 of a machine waits for them when it comes to that, that of a container
perhaps never. So a server inherits them, and waits for them before a process serves.

Programs of others, in which there is a pool, may have children of their own, of which nobody may ask.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from groundhog._log import log

if TYPE_CHECKING:
    from collections.abc import Iterator

_SET_CHILD_SUBREAPER = 36
_WNOTHREAD = 0x20000000
"""Of this thread only: others wait for what they have started themselves. waitid(2)"""
_WALL = 0x40000000
_ENDED = os.WEXITED | os.WNOHANG | _WNOTHREAD | _WALL
_TRACED = re.compile(rb"^TracerPid:\s*[1-9]", re.MULTILINE)
"""A line of ``/proc/PID/status``. Read as text, the name of a process could hold others that end it."""
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
    """Wait for those that have ended, if this process inherits any.

    One that outlived its parent while its request ran is still traced by a thread of ours. Whoever of a
    program waits first learns of the end, and the tracer would await it in vain. Once that has, it is gone.
    """
    if not _inherits:
        return
    with contextlib.suppress(ChildProcessError):  # there are none
        while (ended := os.waitid(os.P_ALL, 0, _ENDED | os.WNOWAIT)) is not None:
            if _is_traced(ended.si_pid):  # others may stand behind it
                for pid in _children():
                    if not _is_traced(pid):
                        _bury_one(pid)
                return
            _bury_one(ended.si_pid)


def _bury_one(pid: int) -> None:
    with contextlib.suppress(ChildProcessError):  # not ours any more
        os.waitid(os.P_PID, pid, _ENDED)


def _is_traced(pid: int) -> bool:
    """Whether a tracer is to learn of its end; nobody begins to trace one that has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_bytes()
    except OSError:
        return True  # gone, or nobody can tell
    return _TRACED.search(status) is not None


def _children() -> list[int]:
    """Of this thread, dead or alive."""
    try:
        listed = Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text()
    except OSError:
        return []  # a kernel that does not list them
    return [int(pid) for pid in listed.split()]
