"""The helper processes of Python libraries, ended before the snapshot, which holds one. Used by the launcher.

Each is one that its library starts again when it needs it.
"""

# ruff: noqa: PTH108, PTH123 - as in the launcher

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
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
    server = getattr(sys.modules.get("multiprocessing.forkserver"), "_forkserver", None)
    if getattr(server, "_forkserver_pid", None) is not None:
        _end_fork_server(server)
    for name in TRACKERS:
        tracker = getattr(sys.modules.get(name), "_resource_tracker", None)
        if getattr(tracker, "_pid", None) is not None:
            _end_tracker(tracker)


def _end_fork_server(server: Any) -> None:
    """End it once it serves nobody: a process that it forked would lose who tells of its end.

    Its own way waits for it, and for a number that may be somebody else's by now.
    """
    with _undisturbed(server):
        pid, fd, address = server._forkserver_pid, server._forkserver_alive_fd, server._forkserver_address  # noqa: SLF001
        if pid is None or _has_children(pid):
            return
        server._forkserver_pid = server._forkserver_alive_fd = server._forkserver_address = None  # noqa: SLF001
        if hasattr(server, "_forkserver_authkey"):
            server._forkserver_authkey = None  # noqa: SLF001 - since Python 3.14
        _kill(pid)
        os.close(fd)
        with contextlib.suppress(OSError):  # it is none of a file, or has gone with its folder
            os.unlink(address)


def _has_children(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/task/{pid}/children", "rb") as children:
            return children.read() != b""
    except OSError:  # it has ended, or this kernel does not tell
        return os.path.exists(f"/proc/{pid}")  # noqa: PTH110 - pathlib is not loaded here


def _end_tracker(tracker: Any) -> None:
    """Kill it: at the end of its pipe it removes the names of shared memory that is still in use."""
    with _undisturbed(tracker):  # its own way to stop it removes them
        pid, fd = tracker._pid, tracker._fd  # noqa: SLF001
        tracker._pid = tracker._fd = None  # noqa: SLF001
        if pid is not None:
            _kill(pid)
        if fd is not None:
            os.close(fd)


@contextlib.contextmanager
def _undisturbed(helper: Any) -> Iterator[None]:
    """Nobody asks for a helper meanwhile, nor does a finalizer, in this thread as in others."""
    collects = gc.isenabled()
    gc.disable()
    try:
        with helper._lock:  # noqa: SLF001
            yield
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
