"""The helper processes of Python libraries, ended before the snapshot, which holds one. Used by the launcher.

Each is one that its library starts again when it needs it.
"""

from __future__ import annotations

import gc
import os
import signal
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

TRACKERS = (
    "multiprocessing.resource_tracker",
    "loky.backend.resource_tracker",
    "joblib.externals.loky.backend.resource_tracker",
)
POOLS = ("loky.reusable_executor", "joblib.externals.loky.reusable_executor")


def end() -> None:
    """End those that are known; nothing is imported for it."""
    for name in POOLS:
        kind = getattr(sys.modules.get(name), "_ReusablePoolExecutor", None)
        if kind is not None:
            # By their types: some objects answer for others when they are asked.
            for executor in [thing for thing in gc.get_objects() if issubclass(type(thing), kind)]:
                executor.shutdown(wait=True, kill_workers=True)  # whoever asks for it gets another one
    if any(name in sys.modules for name in TRACKERS):
        # Finalizers start one that has ended again, to tell it.
        gc.collect()
        gc.collect()  # those of what the first round released
    for name in TRACKERS:
        tracker = getattr(sys.modules.get(name), "_resource_tracker", None)
        if getattr(tracker, "_pid", None) is not None:
            _end_tracker(tracker)


def _end_tracker(tracker: Any) -> None:
    """Kill it: at the end of its pipe it removes the names of shared memory that is still in use."""
    collects = gc.isenabled()
    gc.disable()  # a finalizer may ask for it, in this thread as in others
    try:
        with tracker._lock:  # noqa: SLF001 - its own way to stop it removes them
            pid, fd = tracker._pid, tracker._fd  # noqa: SLF001
            tracker._pid = tracker._fd = None  # noqa: SLF001
            if pid is not None:
                _kill(pid)
            if fd is not None:
                os.close(fd)
    finally:
        if collects:
            gc.enable()


def _kill(pid: int) -> None:
    try:
        if os.waitpid(pid, os.WNOHANG) == (0, 0):  # still a child: its number is nobody else's
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    except ChildProcessError:
        pass  # it had ended, and somebody else has asked
