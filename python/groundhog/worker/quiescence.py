"""Whether a process waits for its next request: seen from outside, for programs that do not say so.

See proc(5), ``/proc/PID/task/TID/syscall``: the number and arguments of the system call that a thread is
blocked in.
"""

from __future__ import annotations

import contextlib
import platform
from pathlib import Path

from groundhog.errors import UnsupportedError

_READ_CALLS = {
    "x86_64": frozenset({0, 19}),  # read, readv
    "aarch64": frozenset({63, 65}),
}


_FLAGS = 5
"""Which field of ``/proc/PID/stat`` it is, of those behind the state."""
_EXITING = 0x4
"""Among them: PF_EXITING in linux/sched.h."""


def is_alive(pid: int) -> bool:
    """Whether there is such a process."""
    return Path(f"/proc/{pid}").exists()


def is_ending(pid: int) -> bool:
    """Whether a process is on its way out, or gone: the kernel closes what it had open only after that."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return True
    state, *fields = stat.rpartition(b")")[2].split()
    return state in {b"Z", b"X"} or bool(int(fields[_FLAGS]) & _EXITING)


def sleeps(pid: int) -> bool:
    """Whether all threads of a process sleep."""
    with contextlib.suppress(OSError):
        stats = [(task / "stat").read_bytes() for task in Path(f"/proc/{pid}/task").iterdir()]
        return all(stat.rpartition(b")")[2].split()[:1] == [b"S"] for stat in stats)
    return False


def waits_for_request(pid: int, pipe_inode: int) -> bool:
    """Whether a thread of ``pid`` is blocked in reading the pipe with that inode number.

    False, too, when the process is gone. Raises UnsupportedError where the kernel does not tell.
    """
    calls = _READ_CALLS.get(platform.machine())
    if calls is None:
        raise UnsupportedError(f"the system calls of {platform.machine()} are not known to this function")
    try:
        return any(_reads(pid, thread, calls, pipe_inode) for thread in Path(f"/proc/{pid}/task").iterdir())
    except (FileNotFoundError, ProcessLookupError):
        return False
    except PermissionError as error:
        raise UnsupportedError(
            f"{error.filename} of function process {pid} cannot be read: {error.strerror}"
        ) from None


def _reads(pid: int, thread: Path, calls: frozenset[int], pipe_inode: int) -> bool:
    try:
        fields = (thread / "syscall").read_bytes().split()
        # "running", or "-1 SP PC" when blocked outside a system call
        if len(fields) < 2 or int(fields[0]) not in calls:  # noqa: PLR2004
            return False
        return Path(f"/proc/{pid}/fd/{int(fields[1], 16)}").stat().st_ino == pipe_inode
    except (FileNotFoundError, ProcessLookupError, ValueError):  # that thread, or descriptor, is gone
        return False
