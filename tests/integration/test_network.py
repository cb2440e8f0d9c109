"""Functions that need no network get one of their own: nothing outside is reached, nothing stays in it."""

from __future__ import annotations

import json
import os
import pathlib
import socket
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from groundhog import Function, Pool, Tracee, capabilities
from groundhog.audit.dropped import NOBODY
from groundhog.errors import ConfigError, UnsupportedError
from tests.framework.commands import groundhog, served

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Source = Callable[[str, str], Path]

pytestmark = [pytest.mark.kernel, pytest.mark.usefixtures("no_leaks")]

REACHING = """
import errno, socket

def tried(make):
    try:
        return make()
    except OSError as error:
        return errno.errorcode[error.errno]

def reach(family, address):
    with socket.socket(family) as client:
        client.settimeout(5)
        client.connect(address)
        return client.recv(100).decode()

def main(params):
    return {
        "port": tried(lambda: reach(socket.AF_INET, ("127.0.0.1", params["port"]))),
        "name": tried(lambda: reach(socket.AF_UNIX, "\\0" + params["name"])),
        "outside": tried(lambda: reach(socket.AF_INET, ("192.0.2.1", 80))) if params["outside"] else None,
        "machine": tried(lambda: socket.socket(socket.AF_VSOCK).close()),
        "interfaces": [name for _, name in socket.if_nameindex()],
    }
"""


class Outside:
    """Servers of the supervisor, which say hello: on a port, and under an abstract name."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self.name = f"groundhog-{os.getpid()}"
        self._servers = [
            self._bound(socket.AF_INET, ("127.0.0.1", 0)),
            self._bound(socket.AF_UNIX, f"\0{self.name}"),
        ]
        self.port = int(self._servers[0].getsockname()[1])

    def _bound(self, family: int, address: Any) -> socket.socket:
        server = self._stack.enter_context(socket.socket(family))
        server.bind(address)
        server.listen()
        server.setblocking(False)
        return server

    def greet(self) -> None:
        """Answer whoever has come, from now on: what waits is accepted later."""
        for server in self._servers:
            try:
                client, _ = server.accept()
            except BlockingIOError:
                continue
            with client:
                client.sendall(b"hello")

    def close(self) -> None:
        self._stack.close()


@pytest.fixture
def outside() -> Iterator[Outside]:
    servers = Outside()
    yield servers
    servers.close()


async def reached(pool: Pool, outside: Outside, *, far: bool) -> dict[str, Any]:
    import asyncio

    job = pool.submit({"port": outside.port, "name": outside.name, "outside": far})
    while not job.future.done():
        outside.greet()
        await asyncio.wait([job.future], timeout=0.01)
    value = job.future.result().value
    assert isinstance(value, dict)
    return value


async def test_nothing_outside_is_reached(source: Source, outside: Outside) -> None:
    function = Function.from_file(source("handler.py", REACHING))
    async with Pool(function, jail="none") as pool:
        found = await reached(pool, outside, far=False)
        assert (found["port"], found["name"]) == ("hello", "hello"), "on the machine's network it is"
    async with Pool(function, network="none", verify=True) as pool:
        for _ in range(3):
            found = await reached(pool, outside, far=True)
            refused = found.pop("name")
            # By the namespace, or before that by Landlock.
            assert refused in {"ECONNREFUSED", "EPERM"}
            assert found == {
                "port": "ECONNREFUSED",
                "outside": "ENETUNREACH",
                "machine": "EPROTONOSUPPORT",  # by the policy, which knows no sockets of virtual machines
                "interfaces": ["lo"],
            }
        assert pool.stats().retirements == {}


NEIGHBOURS = """
import socket, struct

RTM_GETNEIGH, REQUEST, DUMP, DONE, DESTINATION = 30, 1, 0x300, 3, 1

def neighbours(family):
    found = set()
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as link:
        question = struct.pack("=IHHIIB11x", 28, RTM_GETNEIGH, REQUEST | DUMP, 1, 0, family)
        link.send(question)
        while True:
            messages = link.recv(1 << 16)
            while messages:
                length, kind = struct.unpack_from("=IH", messages)
                if kind == DONE:
                    return sorted(found)
                assert kind == 28, kind
                attributes = messages[28:length]
                while attributes:
                    size, attribute = struct.unpack_from("=HH", attributes)
                    if attribute == DESTINATION:
                        found.add(socket.inet_ntop(family, attributes[4:size]))
                    attributes = attributes[(size + 3) & ~3:]
                messages = messages[(length + 3) & ~3:]

def main(params):
    found = [neighbours(family) for family in (socket.AF_INET, socket.AF_INET6)]
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with socket.socket(family, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"anything", (address, 9))
    return {"neighbours": found}
"""


async def test_no_neighbour_tells_that_loopback_was_used(source: Source) -> None:
    function = Function.from_file(source("handler.py", NEIGHBOURS))
    async with Pool(function, network="none") as pool:
        first = (await pool.invoke({})).value
        assert first == {"neighbours": [[socket.inet_ntoa(bytes(4))], ["::1"]]}
        assert (await pool.invoke({})).value == first
        assert pool.stats().retirements == {}


ROUTES = """
import os, pathlib, socket

def main(params):
    table = pathlib.Path("/proc/net/ipv6_route")
    processors = os.sched_getaffinity(0)
    found = table.read_text() if table.exists() else ""
    for processor in processors:
        os.sched_setaffinity(0, {processor})
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"anything", ("::1", 9))
    os.sched_setaffinity(0, processors)
    return {"routes": found, "processors": sorted(processors)}
"""


async def test_no_route_tells_that_loopback_was_used(source: Source) -> None:
    function = Function.from_file(source("handler.py", ROUTES))
    async with Pool(function, network="none") as pool:
        first = (await pool.invoke({})).value
        assert first["processors"] == sorted(os.sched_getaffinity(0))
        assert (await pool.invoke({})).value == first
        assert pool.stats().retirements == {}


# After a connection that took long, the kernel would do without several paths for an hour.
HAS_MULTIPATH_SETTING = pathlib.Path("/proc/sys/net/mptcp/blackhole_timeout").exists()

KEY = """
import pathlib, socket

def main(params):
    try:
        found = pathlib.Path("/proc/sys/net/ipv4/tcp_fastopen_key").read_text()
    except PermissionError:
        found = "nobody else's"
    with socket.socket() as server:
        server.setsockopt(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 5)
    return {"key": found}
"""


async def test_no_key_tells_that_connections_were_to_be_opened_fast(source: Source) -> None:
    """The kernel makes it when it is first needed."""
    function = Function.from_file(source("handler.py", KEY))
    async with Pool(function, network="none") as pool:
        first = (await pool.invoke({})).value
        assert (await pool.invoke({})).value == first
        assert pool.stats().retirements == {}


LOOPBACK = """
import pathlib, socket

def rows():
    tables = [pathlib.Path("/proc/net", name).read_text() for name in ("tcp", "tcp6")]
    return [row.split()[1:3] for table in tables for row in table.splitlines()[1:]]

def main(params):
    before = rows()
    for family, address in ((socket.AF_INET, params["address"]), (socket.AF_INET6, "::1")):
        with socket.socket(family) as server:
            server.bind((address, 0))
            server.listen()
            with socket.create_connection(server.getsockname()[:2]) as client:
                accepted, _ = server.accept()
                with accepted:
                    client.sendall(b"question")
                    assert accepted.recv(100) == b"question"
                    client.shutdown(socket.SHUT_WR)  # the end that closes first is remembered
                    assert accepted.recv(100) == b""
    settings = [
        pathlib.Path("/proc/sys/net/ipv4", name)
        for name in ("tcp_max_tw_buckets", "tcp_no_metrics_save", "tcp_fastopen")
    ]
    if pathlib.Path("/proc/sys/net/mptcp/blackhole_timeout").exists():
        settings.append(pathlib.Path("/proc/sys/net/mptcp/blackhole_timeout"))
    try:
        settings[0].write_text("4096")
    except OSError as error:
        refused = error.strerror
    ours = "".join(f"{int(part):02X}" for part in reversed(params["address"].split(".")))
    return {
        "seen": [row for row in before if any(end.startswith(ours) for end in row)],
        "settings": [path.read_text().strip() for path in settings],
        "refused": refused,
    }
"""


async def test_connections_within_leave_no_trace(source: Source) -> None:
    """The addresses of what was closed are otherwise listed for a minute, and spell what a request wants."""
    function = Function.from_file(source("handler.py", LOOPBACK))
    address = f"127.{os.getpid() % 251 + 2}.17.5"
    async with Pool(function, jail="namespace") as pool:
        await pool.invoke({"address": address})
        seen = (await pool.invoke({"address": address})).value["seen"]
        assert seen, "on the machine's network they are seen"
    async with Pool(function, network="none", verify=True) as pool:
        for _ in range(4):
            assert (await pool.invoke({"address": address})).value == {
                "seen": [],
                "settings": ["0", "1", "0", *["0"] * HAS_MULTIPATH_SETTING],
                "refused": "Read-only file system",
            }
        assert pool.stats().retirements.keys() <= {"superseded"}


PAIRS = """
import os, socket

pairs = [socket.socketpair() for _ in range(3)]

def main(params):
    for one, other in pairs:
        one.sendall(b"x")
        assert other.recv(10) == b"x"
        other.sendall(b"y")  # which nobody reads
    return {"pid": os.getpid()}
"""


@pytest.mark.parametrize("network", ["host", "none"])
async def test_pairs_of_sockets_are_known_as_such(source: Source, network: str) -> None:
    """The engine asks the kernel who is connected to whom, in the function's namespace: one end that it took
    for a connection to somebody else would be shut, and the next request fail.
    """
    async with Pool(Function.from_file(source("handler.py", PAIRS)), network=network, verify=True) as pool:
        pids = {(await pool.invoke({})).value["pid"] for _ in range(4)}
        assert len(pids) == 1
        assert pool.stats().retirements == {}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can choose the user of a function")
@pytest.mark.may_skip("an unprivileged run cannot become somebody else")
async def test_as_another_user() -> None:
    function = Function.from_command(["/bin/sh", "-c", SHELL], cwd="/")
    async with Pool(function, network="none", uid=NOBODY, verify=True) as pool:
        for _ in range(3):
            assert (await pool.invoke({})).value == {"uid": NOBODY, "interfaces": ["lo"]}


SHELL = r"""
echo '{"ok":true}' >&3
while read -r line; do
    interfaces=$(tail -n +3 /proc/net/dev | sed 's/ *\(.*\):.*/"\1"/')
    printf '{"uid": %s, "interfaces": [%s]}\n' $(id -u) "$interfaces" >&3
done
"""


@pytest.mark.parametrize("jail", ["landlock", "none"])
def test_only_a_jail_by_namespaces_has_one(source: Source, jail: str) -> None:
    with pytest.raises(ConfigError, match=f"network none needs the jail namespace, not {jail}"):
        Pool(Function.from_file(source("handler.py", REACHING)), jail=jail, network="none")


@pytest.mark.parametrize(("jail", "error"), [("landlock", UnsupportedError), (None, ValueError)])
def test_the_engine_refuses_it_too(tmp_path: Path, jail: str | None, error: type[Exception]) -> None:
    private = [tmp_path] if jail else []
    with pytest.raises(error, match=r"jail by namespaces|jail 'namespace'"):
        Tracee.spawn(["true"], jail=jail, private=private, network="none")
    with pytest.raises(ValueError, match="unknown network 'some': choose host or none"):
        Tracee.spawn(["true"], network="some")


def test_what_works_is_known() -> None:
    assert capabilities()["networks"] == {"host": None, "none": None}


def invoked(handler: Path, *options: str, without: str = "") -> Any:
    payload = json.dumps(NOWHERE)
    env = {"GROUNDHOG_WITHOUT": without}
    return groundhog("invoke", str(handler), "--payload", payload, "--json", *options, env=env)


NOWHERE = {"port": 9, "name": "nobody", "outside": False}


def test_the_command_line(source: Source) -> None:
    handler = source("handler.py", REACHING)
    done = invoked(handler, "--network", "none")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["value"]["interfaces"] == ["lo"]
    with served("serve", str(handler), "--network", "none") as server:
        assert server.client.get("/_/info").json()["network"] == "none"
        assert server.client.post("/", json=NOWHERE).json()["interfaces"] == ["lo"]
        assert server.stop() == 0
    with served("openwhisk", "--network", "none") as server:
        server.client.post("/init", json={"value": {"code": REACHING}}).raise_for_status()
        assert server.client.post("/run", json={"value": NOWHERE}).json()["interfaces"] == ["lo"]
        assert server.stop() == 0
    payloads = source("payloads.jsonl", json.dumps(NOWHERE))
    audited = groundhog("audit", str(handler), "--payloads", str(payloads), "--network", "none", "--json")
    assert audited.returncode == 0, audited.stderr
    told = json.loads(audited.stdout)
    assert told["clean"]
    assert {json.dumps(json.loads(one)["interfaces"]) for one in answers(told)} == {'["lo"]'}


def answers(told: dict[str, Any]) -> list[str]:
    """Of an audit, without isolation and with it."""
    return [
        *(said["answer"] for said in told["unisolated"]),
        *(one["said"]["answer"] for one in told["requests"]),
    ]


@pytest.mark.parametrize(
    ("options", "without", "named"),
    [
        (("--jail", "landlock"), "", "network none needs the jail namespace, not landlock"),
        (("--jail", "none"), "", "network none needs the jail namespace, not none"),
        ((), "namespaces", "the jail namespace does not work on this machine"),
        ((), "network-namespace", "no function can have a network of its own on this machine"),
    ],
)
def test_where_it_cannot_be_had_it_is_an_error(
    source: Source, options: tuple[str, ...], without: str, named: str
) -> None:
    done = invoked(source("handler.py", REACHING), "--network", "none", *options, without=without)
    assert done.returncode == 1
    assert done.stdout == ""
    assert named in done.stderr
    assert "Traceback" not in done.stderr
