"""Callers on this machine: a function of a server may be one, and must not ask in another caller's name.

A gateway says in whose trust domain a request is. A function that reaches the network of the machine reaches
the server behind the gateway, too, and could say so itself. Of a container of OpenWhisk it would get logs
printed that the platform takes for those of another activation.

The kernel tells which socket is the other end of a connection (``sock_diag(7)``), and ``/proc`` which process
holds it. A socket that nobody seems to hold may be on its way from one process to another, as a function
could arrange, and one that is gone may have been reset by a function: who asks by such a one is refused. What
a function had open at its snapshot its supervisor holds, too.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import re
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from groundhog.errors import ConfigError
from groundhog.platforms.answers import Refusal
from groundhog.sockets import can_tell, is_here, other_end

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from starlette.requests import Request

    from groundhog.sockets import End

_REMEMBERED = 1024  # connections
_ASKERS = 16
_ROOT = 0
_SYS_PTRACE = 1 << 19  # linux/capability.h
_HIDING = re.compile(rb"(?:^|,)hidepid=(?!0|off)")
"""Among the options of ``/proc``: it does not show us the processes of other users, or nothing of them."""
_ENGINE = b"/groundhog/_core."
"""In the path of the library by which a supervisor runs functions."""
_MOST_OF_MAPPINGS = 16 << 20
"""Bytes of the list. Names are in it as often as files are mapped, and as long as folders are deep."""
_OUTERMOST = 0xEFFFFFFC
"""The inode number of the first namespace of processes: PROC_PID_INIT_INO in linux/proc_ns.h."""
_Found = TypeVar("_Found")
_PROCESS = "[pidfd]"
"""In what the kernel calls a descriptor for a process: see pidfd_open(2)."""


@dataclass(frozen=True, slots=True)
class _Holder:
    """A descriptor of a process, and whether that may be a function."""

    descriptor: str
    inode: int
    may_be_function: bool
    users: frozenset[int]
    """Who the process is."""


@dataclass(frozen=True, slots=True)
class _Nobody:
    """Nobody can be seen who holds a socket, but others than we trace processes, which may hide it: in a
    message to themselves, or in a thread with descriptors of its own.
    """

    users: frozenset[int]
    """Those of such processes."""
    anybody: bool
    """One is traced by root, and may have been any user; or there may be some that we cannot see."""

    def may_be_function(self, user: int) -> bool:
        """Whether one of them may have made a socket of that user."""
        return self.anybody or user in self.users


class Neighbours:
    """Refuses requests of our own functions, and those of callers on this machine that nobody can find.

    Args:
        users: whom the functions run as. A socket of another user is none of theirs, unless one of these is
            root, who may give it to anybody.

    Raises:
        ConfigError: the kernel does not tell who asks.
    """

    def __init__(self, users: Collection[int]) -> None:
        if not can_tell():
            raise ConfigError(
                "the kernel does not tell who on this machine asks (module tcp_diag), and a function might,"
                " in another domain's name; take --network none, or --trust-local-callers if no function can"
                " reach this server"
            )
        self._users = frozenset(users)
        self._found: dict[tuple[str, int], _Holder] = {}
        self._askers: deque[Path] = deque(maxlen=_ASKERS)
        """Processes that have asked before: who connects for each request is found there at once."""
        self._others = _Walks(_holders, self._askers)
        self._all = _Walks(_holders_or_nobody, self._askers)

    async def check(self, request: Request) -> None:
        """Refuse a request that one of our functions may have made.

        Raises:
            Refusal: 403.
        """
        near, far = request.scope.get("server"), request.scope.get("client")
        if not near or not far:
            raise Refusal(403, "nobody can tell who asks: the connection has no addresses")
        end = other_end((near[0], near[1]), (far[0], far[1]))
        if end is None:
            if _may_be_here(far[0]):  # it was reset: anybody may have been there
                raise _refusal()
            return  # it comes from another machine, or another network
        known = self._found.get((far[0], far[1]))
        if known is not None and known.inode == end.inode and _still_holds(known):
            return
        if not end.inode:  # it is closed already, and may have been anybody's
            raise _refusal()
        found = await self._others.look_for(end.inode) or await self._all.look_for(end.inode)
        if isinstance(found, _Nobody):
            if end.user in self._users or _ROOT in self._users or found.may_be_function(end.user):
                raise _refusal()
        elif found.may_be_function or self._is_handed_on(end, found):
            raise _refusal()
        else:
            self._remember((far[0], far[1]), found)

    def _is_handed_on(self, end: End, holder: _Holder) -> bool:
        """Whether a function may have made a socket that somebody else holds now: who takes descriptors in
        messages, as a message bus does, is another user as a rule.
        """
        if end.user not in self._users and _ROOT not in self._users:
            return False
        return end.user not in holder.users

    def _remember(self, caller: tuple[str, int], found: _Holder) -> None:
        if len(self._found) >= _REMEMBERED:
            self._found.clear()
        self._found[caller] = found
        process = Path(found.descriptor).parents[1]
        if process not in self._askers:
            self._askers.append(process)


class _Walks(Generic[_Found]):
    """Walks through all processes, one at a time.

    Args:
        look: finds who has sockets open; it is given the sockets, and the processes to look at first.
        likely: the processes to look at first.
    """

    def __init__(
        self, look: Callable[[set[int], Iterable[Path]], Mapping[int, _Found]], likely: Collection[Path]
    ) -> None:
        self._look = look
        self._likely = likely
        self._wanted: dict[int, asyncio.Future[_Found]] = {}
        """Sockets that the next walk looks for."""
        self._walking: asyncio.Task[None] | None = None

    async def look_for(self, inode: int) -> _Found:
        """Who has a socket open, by a walk that begins now or later.

        Whoever asks meanwhile waits for the next one: so a function that connects a thousand times makes
        others wait for two walks, and not for a thousand.
        """
        found = self._wanted.setdefault(inode, asyncio.get_running_loop().create_future())
        if self._walking is None:
            self._walking = asyncio.create_task(self._walk())
        return await asyncio.shield(found)  # others may wait for it, too

    async def _walk(self) -> None:
        """Look until nobody waits any more."""
        try:
            while self._wanted:
                wanted, self._wanted = self._wanted, {}
                try:
                    holders = await asyncio.to_thread(self._look, set(wanted), list(self._likely))
                except Exception as error:  # noqa: BLE001 - who waits for it gets it
                    for found in wanted.values():
                        found.set_exception(error)
                        found.exception()  # perhaps nobody does any more
                else:
                    for inode, found in wanted.items():
                        found.set_result(holders[inode])
        finally:
            self._walking = None


def _refusal() -> Refusal:
    return Refusal(
        403,
        "a function must not ask its own server, and nobody can see that it is somebody else on this machine"
        " who asks; see --trust-local-callers",
    )


def _may_be_here(host: str) -> bool:
    try:
        return is_here(host)
    except OSError:
        return True


def _still_holds(holder: _Holder) -> bool:
    return _target(holder.descriptor) == f"socket:[{holder.inode}]"


def _holders(inodes: set[int], likely: Iterable[Path] = ()) -> Mapping[int, _Holder | None]:
    """Who has sockets open, for each of them, among likely processes and all that nobody traces.

    Functions are traced, and open as many files, in as many processes, as they like: to look at all of them
    may take minutes.

    Raises:
        OSError: nobody can look, say for want of descriptors.
    """
    found = _found_in(itertools.chain(likely, filter(_is_untraced, _processes())), inodes)
    return {inode: found.get(inode) for inode in inodes}


def _holders_or_nobody(inodes: set[int], likely: Iterable[Path] = ()) -> Mapping[int, _Holder | _Nobody]:
    """Who has sockets open, for each of them, among all processes.

    Whoever is traced may be a function: ours, or one of another server on this machine. So may be what a
    server on this machine holds, this one among them.

    Raises:
        OSError: nobody can look, say for want of descriptors.
    """
    found = _found_in(itertools.chain(likely, _processes()), inodes)
    if found.keys() == inodes:
        return found
    nobody = _strangers()
    return {inode: found.get(inode, nobody) for inode in inodes}


def _processes() -> Iterator[Path]:
    return (process for process in Path("/proc").iterdir() if process.name.isdigit())


def _is_untraced(process: Path) -> bool:
    return not _tracer(process)


def _found_in(processes: Iterable[Path], inodes: set[int]) -> dict[int, _Holder]:
    missing = {f"socket:[{inode}]": inode for inode in inodes}
    found: dict[int, _Holder] = {}
    for process in processes:
        for descriptor in _descriptors(process):
            inode = missing.pop(target := _target(descriptor), None)
            if inode is not None:
                found[inode] = _Holder(
                    descriptor,
                    inode,
                    may_be_function=_may_be_function(process) or _target(descriptor) != target,
                    users=frozenset(_users(process)),
                )
                if not missing:
                    return found
    return found


def _strangers() -> _Nobody:
    """Whose the processes are that others trace: functions of other servers on this machine, as a rule."""
    if _are_hidden():
        return _Nobody(frozenset(), anybody=True)
    users: set[int] = set()
    for process in Path("/proc").iterdir():
        tracer = _tracer(process) if process.name.isdigit() else 0
        if not tracer or Path("/proc/self/task", str(tracer)).exists():
            continue
        users |= _users(process)
        by = _users(Path("/proc", str(tracer)))
        if not by or _ROOT in by:
            return _Nobody(frozenset(users), anybody=True)
    return _Nobody(frozenset(users), anybody=False)


def _are_hidden() -> bool:
    """Whether there may be processes that we cannot see: outside of our namespace of processes, from where
    they reach us if they share our network, as containers do that have the machine's or are in one pod; or
    ``/proc`` may keep those of other users from us: proc(5).
    """
    if Path("/proc/self/ns/pid").stat().st_ino != _OUTERMOST:
        return True
    lines = Path("/proc/self/mountinfo").read_bytes().split(b"\n")
    mounts = (line.split(b" ") for line in lines if line)
    options = [options for _, _, _, _, where, *_, options in mounts if where == b"/proc"]
    if options and not _HIDING.search(options[-1]):
        return False
    status = Path("/proc/self/status").read_text("ascii", "replace")
    return not int(status.partition("CapEff:")[2].split()[0], 16) & _SYS_PTRACE


def _may_be_function(process: Path) -> bool:
    return _tracer(process) != 0 or _supervises(process)


def _supervises(process: Path) -> bool:
    """Whether a process runs functions, whose sockets of the snapshot it has duplicates of.

    It has a descriptor for each function's process, too, and keeps that longer: so one that is closed while
    we look is none of a process whose socket is still there afterwards.
    """
    if process.name == str(os.getpid()):
        return True
    try:
        with Path(process, "maps").open("rb") as maps:
            text = maps.read(_MOST_OF_MAPPINGS)
        if _ENGINE not in text and len(text) < _MOST_OF_MAPPINGS:
            return False
        return any(_PROCESS in _target(f"{process}/fd/{name}") for name in os.listdir(f"{process}/fd"))  # noqa: PTH208
    except OSError:
        return True


def _descriptors(process: Path) -> list[str]:
    # As text: there may be a million.
    folder = f"{process}/fd"
    try:
        return [f"{folder}/{number}" for number in os.listdir(folder)]  # noqa: PTH208
    except (FileNotFoundError, ProcessLookupError, PermissionError):  # it has ended, or is somebody else's
        return []


def _target(descriptor: str) -> str:
    try:
        return os.readlink(descriptor)  # noqa: PTH115
    except OSError:
        return ""


def _tracer(process: Path) -> int | None:
    """Return the thread that traces a process; 0: there is none, None: nobody can tell."""
    return next(iter(_numbers(process, b"TracerPid:")), None)


def _users(process: Path) -> set[int]:
    """Return who a process or thread is; nobody: it cannot be told."""
    return set(_numbers(process, b"Uid:"))


def _numbers(process: Path, name: bytes) -> list[int]:
    """Return what a line of a process's status says; nothing if it has ended, or nobody may look.

    First comes its name, which it chooses: of what ends a line of text, the kernel escapes a line feed alone.
    """
    try:
        lines = Path(process, "status").read_bytes().split(b"\n")
    except OSError:
        return []
    return next((list(map(int, line.split()[1:])) for line in lines if line.startswith(name)), [])
