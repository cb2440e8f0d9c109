"""Who is at the other end of a connection."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import struct
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from starlette.requests import Request

from groundhog import sockets
from groundhog.errors import ConfigError
from groundhog.platforms import neighbours
from groundhog.platforms.answers import Refusal
from groundhog.platforms.neighbours import Neighbours
from groundhog.sockets import End, can_tell, is_here, other_end

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

US = {os.geteuid()}
IN_CONTAINER = Path("/proc/self/ns/pid").stat().st_ino != neighbours._OUTERMOST
supervises, strangers = neighbours._supervises, neighbours._strangers
NOBODY = neighbours._Nobody(frozenset(), anybody=False)


@pytest.fixture(autouse=True)
def gateway(monkeypatch: pytest.MonkeyPatch) -> None:
    """Callers here are this process, which stands for a gateway, whatever other tests have loaded into it."""
    monkeypatch.setattr(neighbours, "_supervises", lambda _: False)
    # Other servers on the machine, such as those of tests that run beside this one, are no part of it.
    monkeypatch.setattr(neighbours, "_strangers", lambda: NOBODY)


class Connection:
    """A client of this process, and what a server sees of it."""

    def __init__(self, client: socket.socket, served: socket.socket) -> None:
        self.client = client
        self.served = served
        self.near: tuple[str, int] = served.getsockname()[:2]
        self.far: tuple[str, int] = served.getpeername()[:2]

    def request(self) -> Request:
        return Request({"type": "http", "server": self.near, "client": self.far})


@contextlib.contextmanager
def connected(listening: str, to: str) -> Iterator[Connection]:
    family = socket.AF_INET6 if ":" in listening else socket.AF_INET
    with (
        socket.create_server((listening, 0), family=family, dualstack_ipv6=listening == "::") as server,
        socket.create_connection((to, server.getsockname()[1])) as client,
        server.accept()[0] as served,
    ):
        yield Connection(client, served)


@pytest.fixture
def connection() -> Iterator[Connection]:
    with connected("127.0.0.1", "127.0.0.1") as made:
        yield made


def test_it_can_be_told() -> None:
    assert can_tell()


@pytest.mark.parametrize(
    ("listening", "to"),
    [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.2"), ("::1", "::1"), ("::", "127.0.0.1")],  # noqa: S104
)
def test_the_other_end(listening: str, to: str) -> None:
    with connected(listening, to) as made:
        end = other_end(made.near, made.far)
        assert end is not None
        assert end.inode == os.fstat(made.client.fileno()).st_ino
        assert end.user == os.geteuid()


def test_one_on_another_machine(connection: Connection) -> None:
    assert other_end(connection.near, ("192.0.2.1", connection.far[1])) is None


async def test_a_caller_that_is_no_function(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    callers = Neighbours(US)
    await callers.check(connection.request())

    def looked(*_: Any) -> None:
        raise AssertionError("it was found before")

    monkeypatch.setattr(neighbours, "_found_in", looked)
    await callers.check(connection.request())


async def test_where_somebody_asked_from_is_looked_at_first(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Among hundreds of processes that takes milliseconds."""
    callers = Neighbours(US)
    await callers.check(connection.request())
    looked: list[Path] = []
    descriptors = neighbours._descriptors

    def look(process: Path) -> list[str]:
        looked.append(process)
        return descriptors(process)

    monkeypatch.setattr(neighbours, "_descriptors", look)
    with connected("127.0.0.1", "127.0.0.1") as another:
        await callers.check(another.request())
    assert looked == [Path("/proc", str(os.getpid()))]


async def test_who_asks_meanwhile_waits_for_one_more_walk(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A function that connects many times must not have others wait for as many walks through /proc."""
    walks: list[set[int]] = []
    walking, all_ask = threading.Event(), threading.Event()
    holders = neighbours._holders

    def walk(inodes: set[int], likely: Iterable[Path]) -> Mapping[int, Any]:
        walks.append(set(inodes))
        walking.set()
        all_ask.wait()
        return holders(inodes, likely)

    monkeypatch.setattr(neighbours, "_holders", walk)
    callers = Neighbours(US)
    first = asyncio.create_task(callers.check(connection.request()))
    await asyncio.to_thread(walking.wait)
    with contextlib.ExitStack() as opened:
        others = [opened.enter_context(connected("127.0.0.1", "127.0.0.1")) for _ in range(20)]
        asking = [asyncio.create_task(callers.check(other.request())) for other in others]
        await asyncio.sleep(0)  # each has begun to wait
        assert len(callers._others._wanted) == len(others)
        asking[0].cancel()  # its client has gone away: the others still get what they wait for
        all_ask.set()
        await asyncio.gather(first, *asking[1:])
    assert [len(walk) for walk in walks] == [1, 20]


async def test_nobody_waits_for_a_walk_through_functions(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that opens many files, in many processes, and asks its own server, must not have others wait."""
    walking, over, is_hidden = threading.Event(), threading.Event(), threading.Event()

    def descriptors(process: Path) -> list[str]:
        return [] if is_hidden.is_set() else looked(process)  # as those of a function

    def walk(inodes: set[int], _: Iterable[Path]) -> dict[int, neighbours._Nobody]:
        walking.set()
        over.wait()
        return dict.fromkeys(inodes, neighbours._Nobody(frozenset(), anybody=True))

    looked = neighbours._descriptors
    monkeypatch.setattr(neighbours, "_descriptors", descriptors)
    monkeypatch.setattr(neighbours, "_holders_or_nobody", walk)
    callers = Neighbours(US)
    is_hidden.set()
    with connected("127.0.0.1", "127.0.0.1") as function:
        asking = asyncio.create_task(callers.check(function.request()))
        await asyncio.to_thread(walking.wait)
        is_hidden.clear()
        await callers.check(connection.request())
        over.set()
        with pytest.raises(Refusal, match="its own server"):
            await asking


async def test_nobody_can_look(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a descriptor left nobody can be seen: that is not the same as that there is nobody."""
    listed = os.listdir

    def exhausted(path: str | Path) -> list[str]:
        if str(path).endswith("/fd"):
            raise OSError(errno.EMFILE, "Too many open files")
        return listed(path)

    callers = Neighbours({os.geteuid() + 1})
    with monkeypatch.context() as patched:
        patched.setattr(os, "listdir", exhausted)
        with pytest.raises(OSError, match="Too many open files"):
            await callers.check(connection.request())
    await callers.check(connection.request())


async def test_one_that_nobody_holds(connection: Connection) -> None:
    """It is on its way: in a message that was sent, and that nobody has received."""
    callers = Neighbours(US)
    await callers.check(connection.request())
    here, there = socket.socketpair()
    with here, there:
        socket.send_fds(here, [b"x"], [connection.client.fileno()])
        connection.client.close()
        with pytest.raises(Refusal, match="its own server"):
            await callers.check(connection.request())
        await Neighbours({os.geteuid() + 1}).check(connection.request())  # functions are another user's


async def test_one_that_another_user_holds(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """A function has sent it to whoever takes descriptors, such as a message bus, which nobody traces."""
    monkeypatch.setattr(neighbours, "_users", lambda _: {os.geteuid() + 1})
    with pytest.raises(Refusal, match="its own server"):
        await Neighbours(US).check(connection.request())
    await Neighbours({os.geteuid() + 2}).check(connection.request())  # functions are another user's


async def test_one_that_has_closed_its_end(connection: Connection) -> None:
    connection.client.sendall(b"a request")
    connection.client.close()
    with pytest.raises(Refusal, match="its own server"):
        await Neighbours({os.geteuid() + 1}).check(connection.request())


async def test_one_that_has_reset_it(connection: Connection) -> None:
    """A function has sent its request by then, and its socket is gone."""
    connection.client.sendall(b"a request")
    connection.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.client.close()
    assert connection.served.recv(16) == b"a request"
    assert other_end(connection.near, connection.far) is None
    with pytest.raises(Refusal, match="its own server"):
        await Neighbours({os.geteuid() + 1}).check(connection.request())


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "::ffff:127.0.0.1", "::1%lo"])
def test_addresses_of_this_machine(host: str) -> None:
    assert is_here(host)


@pytest.mark.parametrize("host", ["192.0.2.1", "::ffff:192.0.2.1"])
async def test_a_caller_on_another_machine(connection: Connection, host: str) -> None:
    connection.far = (host, connection.far[1])
    await Neighbours(US).check(connection.request())


async def test_where_the_kernel_does_not_tell_whose_address_it_is(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    callers = Neighbours(US)

    def refuse(_: str) -> bool:
        raise OSError(101, "Network is unreachable")

    monkeypatch.setattr(neighbours, "is_here", refuse)
    connection.far = ("192.0.2.1", connection.far[1])
    with pytest.raises(Refusal, match="its own server"):
        await callers.check(connection.request())


@pytest.mark.parametrize("tracer", [os.getpid(), os.getppid()], ids=["ours", "another server's"])
async def test_one_that_is_traced(
    connection: Connection, monkeypatch: pytest.MonkeyPatch, tracer: int
) -> None:
    monkeypatch.setattr(neighbours, "_tracer", lambda _: tracer)
    callers = Neighbours(US)
    for _ in range(2):  # it is not remembered as one that may
        with pytest.raises(Refusal, match="its own server"):
            await callers.check(connection.request())


async def test_one_that_its_own_server_holds(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has duplicates of what its functions opened before their snapshots, and is found before them."""
    monkeypatch.setattr(neighbours, "_supervises", supervises)
    with pytest.raises(Refusal, match="its own server"):
        await Neighbours(US).check(connection.request())


@pytest.mark.parametrize(
    ("loads", "opens", "expected"),
    [(False, False, False), (True, False, False), (True, True, True)],
    ids=["no engine", "no function", "a supervisor"],
)
def test_who_runs_functions(*, loads: bool, opens: bool, expected: bool) -> None:
    code = "import os, sys\n" + "import groundhog._core\n" * loads + "os.pidfd_open(os.getpid())\n" * opens
    code += "print(flush=True)\nsys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as another:
        assert another.stdin is not None
        assert another.stdout is not None
        another.stdout.readline()
        assert supervises(Path("/proc", str(another.pid))) is expected
        another.stdin.close()
        another.wait()
        assert supervises(Path("/proc", str(another.pid))), "nobody can tell any more"


def test_who_closes_files_while_one_looks_runs_no_functions_for_that() -> None:
    """A client with the engine loaded, of which other threads open and close what they like."""
    churns = (
        "import os\nfrom groundhog import _core\nprint(flush=True)\nwhile True: os.close(os.open('/', 0))"
    )
    with subprocess.Popen([sys.executable, "-c", churns], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            assert not any(supervises(Path(f"/proc/{process.pid}")) for _ in range(300))
        finally:
            process.kill()


async def test_a_function_whose_socket_seems_to_be_of_another_user(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neighbours, "_tracer", lambda _: os.getpid())
    with pytest.raises(Refusal, match="its own server"):
        await Neighbours({os.geteuid() + 1}).check(connection.request())


@pytest.mark.parametrize("end", ["\r", "\v", "\f", "\x1c"])
@pytest.mark.parametrize("line", ["TracerPid: 7", "TracerPid: x", "Uid: 7"])
def test_a_name_is_no_line_of_what_the_kernel_tells(end: str, line: str) -> None:
    """Or a function would not be seen to be traced, and any process keep others' callers from being found."""
    names_itself = "import sys\nopen('/proc/self/comm', 'wb').write(sys.argv[1].encode())\nprint(flush=True)"
    words = [sys.executable, "-c", f"{names_itself}\nsys.stdin.read()", end + line]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        folder = Path("/proc", str(process.pid))
        assert neighbours._tracer(folder) == 0
        assert neighbours._users(folder) == US
        process.stdin.close()


def test_whom_others_trace() -> None:
    """A tracer attaches to its parent, another process than this one, as a server does to its functions."""
    before = strangers()
    code = (
        "import ctypes, os, sys\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "if os.fork() == 0:\n"
        "    libc.ptrace(0, 0, 0, 0)\n"  # PTRACE_TRACEME
        "    print(os.getpid(), flush=True)\n"
        "    sys.stdin.read()\n"
        "    os._exit(0)\n"
        "os.wait()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdout.readline()
        found = strangers()
        server.stdin.close()
    assert found.may_be_function(os.geteuid())
    assert found.anybody == (before.anybody or os.geteuid() == 0)


@pytest.mark.parametrize(
    ("nobody", "refused"),
    [
        (neighbours._Nobody(frozenset(), anybody=False), False),
        (neighbours._Nobody(frozenset({1000}), anybody=False), False),
        (neighbours._Nobody(frozenset({os.geteuid()}), anybody=False), True),
        (neighbours._Nobody(frozenset({1000}), anybody=True), True),
    ],
    ids=["none", "another user's", "one of its user", "one of root's"],
)
async def test_one_that_nobody_holds_may_be_a_function_of_another_server(
    connection: Connection, monkeypatch: pytest.MonkeyPatch, nobody: neighbours._Nobody, *, refused: bool
) -> None:
    """It keeps its socket in a message to itself meanwhile, from which it then takes the answer."""
    monkeypatch.setattr(neighbours, "_strangers", lambda: nobody)
    callers = Neighbours({os.geteuid() + 1})
    here, there = socket.socketpair()
    with here, there:
        socket.send_fds(here, [b"x"], [connection.client.fileno()])
        connection.client.close()
        with pytest.raises(Refusal, match="its own server") if refused else contextlib.nullcontext():
            await callers.check(connection.request())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount another /proc")
@pytest.mark.may_skip("an unprivileged run cannot mount another /proc")
@pytest.mark.parametrize(
    ("option", "user", "hidden"),
    [
        ("hidepid=0", 65534, False),
        ("hidepid=1", 65534, True),
        ("hidepid=2", 65534, True),
        ("hidepid=4", 65534, True),
        ("hidepid=2", 0, False),
    ],
)
def test_functions_of_other_servers_may_be_hidden(option: str, user: int, *, hidden: bool) -> None:
    """As another user one could ask in the name of a domain: who cannot be found is refused then."""
    code = (
        "import os\n"
        "from groundhog.platforms import neighbours\n"
        "neighbours._strangers()\n"  # what it imports, that user may not read
        f"os.setgroups([]); os.setgid({user}); os.setuid({user})\n"
        "print(neighbours._are_hidden(), neighbours._strangers().anybody)\n"
    )
    mounting = f'mount -t proc -o {option} proc /proc && exec "$@"'
    ran = subprocess.run(
        ["/usr/bin/env", "unshare", "--mount", "sh", "-c", mounting, "sh", sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
    )
    hidden = hidden or IN_CONTAINER
    assert ran.stdout.split()[0] == str(hidden)
    assert not hidden or ran.stdout.split()[1] == "True"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a namespace of processes")
@pytest.mark.may_skip("an unprivileged run cannot make a namespace of processes")
def test_functions_outside_of_the_container_cannot_be_seen() -> None:
    """They reach a server whose container has the network of the machine, or of another container."""
    code = "from groundhog.platforms import neighbours\nprint(neighbours._strangers().anybody)\n"
    own = ("/usr/bin/env", "unshare", "--pid", "--fork", "--mount-proc")
    ran = subprocess.run([*own, sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["True"]


async def test_functions_of_root_may_give_their_sockets_away(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_root, of_another = Neighbours({0}), Neighbours({1000})
    monkeypatch.setattr(neighbours, "other_end", lambda *_: End(inode=1, user=1234))
    await of_another.check(connection.request())
    with pytest.raises(Refusal, match="its own server"):
        await of_root.check(connection.request())


async def test_one_of_which_nobody_can_tell(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "_tracer", lambda _: None)
    with pytest.raises(Refusal, match="its own server"):
        await Neighbours(US).check(connection.request())


async def test_a_connection_without_addresses() -> None:
    with pytest.raises(Refusal, match="no addresses"):
        await Neighbours(US).check(Request({"type": "http", "server": None, "client": None}))


def test_where_the_kernel_does_not_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(2, "No such file or directory")

    monkeypatch.setattr(sockets, "other_end", refuse)
    with pytest.raises(ConfigError, match="tcp_diag"):
        Neighbours(US)
