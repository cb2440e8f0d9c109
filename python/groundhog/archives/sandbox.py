"""What an unpacking process may do from now on: write into one folder, as one user, and nothing else.

It shuts itself in, once all that it needs is imported, and before it looks at the archive: so it works where
the interpreter lies in a folder that the user cannot enter. By Landlock nothing else can be opened at all; by
a user namespace the folder becomes its root. Either way it has no capability, and the few system calls that
unpacking takes: no sockets, no signals, no other processes or programs.

References: landlock(7), user_namespaces(7), seccomp(2), and the kernel's `include/uapi` for the numbers.
"""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import signal
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from groundhog.archives.order import ArchiveLimits, Order

_PR_SET_PDEATHSIG, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 22, 38
_CLONE_NEWUSER = 0x1000_0000
_CAPABILITY_VERSION_3 = 0x2008_0522
_OPEN_FILES = 64
"""Beyond one for each folder on the way to a file."""

_LANDLOCK_CREATE_RULESET, _LANDLOCK_ADD_RULE, _LANDLOCK_RESTRICT_SELF = 444, 445, 446
_LANDLOCK_CREATE_RULESET_VERSION = 1
_LANDLOCK_RULE_PATH_BENEATH = 1
_OLDEST_LANDLOCK = 3
"""Before it, files could be truncated anywhere."""
_EVERYTHING = (1 << 15) - 1
"""All that the third version can forbid."""
_WRITE_FILE, _READ_FILE, _READ_DIR, _MAKE_DIR, _MAKE_REG, _MAKE_SYM, _REFER = (
    1 << bit for bit in (1, 2, 3, 7, 8, 12, 13)
)
_IN_THE_FOLDER = _WRITE_FILE | _READ_FILE | _READ_DIR | _MAKE_DIR | _MAKE_REG | _MAKE_SYM | _REFER

_SECCOMP_MODE_FILTER = 2
_LOAD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06
_NUMBER_AT, _ARCHITECTURE_AT = 0, 4
_ALLOW, _KILL, _REFUSE = 0x7FFF_0000, 0x8000_0000, 0x0005_0001
"""The last: with EPERM."""
_ARCHITECTURES = {"x86_64": 0xC000_003E}
_CALLS = {
    "x86_64": {
        "read": 0,
        "write": 1,
        "close": 3,
        "fstat": 5,
        "lseek": 8,
        "mmap": 9,
        "mprotect": 10,
        "munmap": 11,
        "brk": 12,
        "rt_sigaction": 13,
        "rt_sigprocmask": 14,
        "rt_sigreturn": 15,
        "pread64": 17,
        "sched_yield": 24,
        "mremap": 25,
        "madvise": 28,
        "exit": 60,
        "fchmod": 91,
        "getppid": 110,
        "futex": 202,
        "restart_syscall": 219,
        "clock_gettime": 228,
        "exit_group": 231,
        "openat": 257,
        "mkdirat": 258,
        "newfstatat": 262,
        "linkat": 265,
        "symlinkat": 266,
        "getrandom": 318,
    }
}
"""What Python and the C library call while an archive is unpacked."""


class SandboxError(Exception):
    """The process could not be shut in; the message says at which step, and why."""


_libc = ctypes.CDLL(None, use_errno=True)


def _call(what: str, number: int, *arguments: object) -> int:
    """Make a system call; what it returns."""
    return _checked(what, _libc.syscall(ctypes.c_long(number), *arguments))


def _prctl(what: str, option: int, *arguments: int) -> None:
    words = [ctypes.c_ulong(argument) for argument in (*arguments, 0, 0, 0, 0)[:4]]
    _checked(what, _libc.prctl(option, *words))


def _checked(what: str, result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise SandboxError(f"{what}: {os.strerror(number)}")
    return result


def enter(order: Order) -> None:
    """Give up everything that is not needed to carry an order out.

    Raises SandboxError, and the process must not go on then.
    """
    machine = platform.machine()
    if machine not in _CALLS:
        raise SandboxError(f"there is no list of system calls for the processor {machine}")
    try:
        _limit(order.seconds, order.limits)
        os.umask(0o022)
        if order.ids is not None:
            uid, gid = order.ids
            os.setgroups([])
            os.setresgid(gid, gid, gid)
            os.setresuid(uid, uid, uid)
        if order.means == "namespace":
            _change_root(order.folder)
        _drop_capabilities()
        _prctl("no_new_privs", _PR_SET_NO_NEW_PRIVS, 1)
        if order.means == "landlock":
            _restrict(order.folder)
        # Only now: becoming another user takes it away.
        _prctl("the signal at the end of its parent", _PR_SET_PDEATHSIG, signal.SIGKILL)
        _filter_calls(machine)
    except OSError as error:
        raise SandboxError(f"user, limits or folder: {error.strerror}") from None
    if os.getppid() != order.parent:
        raise SandboxError("its parent has ended")


def _limit(seconds: int, limits: ArchiveLimits) -> None:
    for kind, most in (
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, limits.bytes),
        (resource.RLIMIT_AS, limits.memory),
        (resource.RLIMIT_NOFILE, limits.depth + _OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (bound, bound))


def _change_root(folder: int) -> None:
    """Make the folder all that there is; a user namespace of its own lets anybody do that."""
    _checked("a user namespace", _libc.unshare(_CLONE_NEWUSER))
    os.fchdir(folder)
    os.chroot(".")


def _drop_capabilities() -> None:
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    _checked("capabilities", _libc.capset(header, bytes(24)))


def _restrict(folder: int) -> None:
    version = _call(
        "Landlock",
        _LANDLOCK_CREATE_RULESET,
        None,
        ctypes.c_size_t(0),
        ctypes.c_uint32(_LANDLOCK_CREATE_RULESET_VERSION),
    )
    if version < _OLDEST_LANDLOCK:
        raise SandboxError(f"Landlock: its version is {version}, but {_OLDEST_LANDLOCK} is needed")
    handled = struct.pack("=Q", _EVERYTHING)
    rules = _call(
        "a Landlock ruleset",
        _LANDLOCK_CREATE_RULESET,
        handled,
        ctypes.c_size_t(len(handled)),
        ctypes.c_uint32(0),
    )
    try:
        beneath = struct.pack("=Qi", _IN_THE_FOLDER, folder)
        _call(
            "a Landlock rule",
            _LANDLOCK_ADD_RULE,
            ctypes.c_int(rules),
            ctypes.c_int(_LANDLOCK_RULE_PATH_BENEATH),
            beneath,
            ctypes.c_uint32(0),
        )
        _call("Landlock", _LANDLOCK_RESTRICT_SELF, ctypes.c_int(rules), ctypes.c_uint32(0))
    finally:
        os.close(rules)


def _filter_calls(machine: str) -> None:
    """Refuse every system call that is not in the list; end at one of another convention."""
    calls = sorted(_CALLS[machine].values())
    program = [
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        (_JUMP_IF_EQUAL, 1, 0, _ARCHITECTURES[machine]),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER_AT),
        # To the last instruction, over those that follow and the refusal.
        *((_JUMP_IF_EQUAL, len(calls) - at, 0, call) for at, call in enumerate(calls)),
        (_RETURN, 0, 0, _REFUSE),
        (_RETURN, 0, 0, _ALLOW),
    ]
    words = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in program))
    described = struct.pack("HxxxxxxP", len(program), ctypes.addressof(words))
    _checked(
        "a filter of system calls",
        _libc.prctl(_PR_SET_SECCOMP, ctypes.c_ulong(_SECCOMP_MODE_FILTER), described, 0, 0),
    )
