"""``serve`` and ``openwhisk`` from their first line to SIGTERM, in this process."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import resource
import signal
import socket
import threading
import time
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from groundhog import errors
from groundhog.cli import listening, logs, main
from groundhog.errors import ConfigError
from tests.framework.commands import NO_CERTIFICATES
from tests.unit.cli.ports import accepts, free_everywhere

if TYPE_CHECKING:
    from collections.abc import Callable

    from groundhog.testing import FakeEngine


class Visitor:
    """Visits a server as soon as it says that it is ready, in another thread; then asks it to end."""

    def __init__(self, number: int = signal.SIGTERM) -> None:
        self.lines: list[str] = []
        self.failure: OSError | None = None
        self.visit: Callable[[httpx.Client], None] = lambda _: None
        self._number = number
        self._failure: BaseException | None = None
        self._thread: threading.Thread | None = None

    def hear(self, line: str) -> Future[OSError | None]:
        """What the server prints."""
        printed: Future[OSError | None] = Future()
        printed.set_result(self.failure)
        self.lines.append(line)
        found = re.search(r"http://\S+", line)
        assert found
        self._thread = threading.Thread(target=self._go, args=(found[0],))
        self._thread.start()
        return printed

    def _go(self, url: str) -> None:
        try:
            with httpx.Client(base_url=url, timeout=20, verify=NO_CERTIFICATES) as client:
                self.visit(client)
        except BaseException as error:  # noqa: BLE001  (raised in `check`)
            self._failure = error
        finally:
            os.kill(os.getpid(), self._number)

    def check(self) -> None:
        """Wait for the visit; raise what went wrong in it."""
        assert self._thread is not None
        self._thread.join()
        if self._failure is not None:
            raise self._failure


@pytest.fixture
def visitor(monkeypatch: pytest.MonkeyPatch) -> Visitor:
    visitor = Visitor()
    monkeypatch.setattr("groundhog.cli.listening._printed", visitor.hear)
    return visitor


@pytest.mark.parametrize(
    "isolation",
    [["--isolation", "off"], [], ["--isolation", "domain", "--domain-header", "X-T"], ["--keep-connections"]],
)
def test_serve(visitor: Visitor, handler: str, engine: FakeEngine, isolation: list[str]) -> None:
    def visit(client: httpx.Client) -> None:
        assert client.post("/", json={"name": "Ada"}).json() == {"calls": 1, "name": "Ada"}
        assert client.post("/", json={"divisor": 0}).status_code == 502
        assert client.post("/", content=b"{").status_code == 400
        assert client.get("/_/ready").status_code == 200
        info = client.get("/_/info").json()
        assert info["function"] == "handler"
        assert info["pool"]["requests"] == 2
        assert info["pool"]["connections"] == ""
        assert (info["connections"], info["hooks"]) == ("auto", "lazy")
        metrics = client.get("/_/metrics").text.splitlines()
        for counted in (
            'groundhog_requests_total{outcome="ok"} 1.0',
            'groundhog_requests_total{outcome="error"} 1.0',
            'groundhog_answers_total{status="200"} 1.0',
            'groundhog_answers_total{status="400"} 1.0',
            'groundhog_answers_total{status="502"} 1.0',
        ):
            assert counted in metrics

    visitor.visit = visit
    assert main(["serve", handler, "--port", "0", *isolation]) == 0
    visitor.check()
    assert len(visitor.lines) == 1
    assert visitor.lines[0].startswith("groundhog: handler ready at http://127.0.0.1:")
    assert [process.keeps_connections for process in engine.processes] == ["--keep-connections" in isolation]


def test_nobody_reads_that_it_is_ready(
    visitor: Visitor, handler: str, engine: FakeEngine, caplog: pytest.LogCaptureFixture
) -> None:
    """It serves all the same."""

    def visit(client: httpx.Client) -> None:
        for _ in range(2):
            assert client.post("/", json={}).status_code == 200

    visitor.visit = visit
    visitor.failure = BrokenPipeError(32, "Broken pipe")
    assert main(["serve", handler, "--port", "0"]) == 0
    visitor.check()
    assert len(engine.processes) == 1
    assert "cannot be told that the server is ready" in caplog.text


@pytest.mark.parametrize(
    ("options", "warned"),
    [
        (["--isolation", "domain"], "every request is a domain of its own"),
        (["--isolation", "domain", "--domain-header", "X-T"], "are the same user as this server"),
        (["--isolation", "domain", "--domain-header", "X-T", "--network", "none"], ""),
        ([], ""),
    ],
)
def test_what_domains_do_not_keep_apart_is_said(
    visitor: Visitor,
    handler: str,
    engine: FakeEngine,  # noqa: ARG001 - in place of the real one
    options: list[str],
    warned: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert main(["serve", handler, "--port", "0", *options]) == 0
    visitor.check()
    assert warned in caplog.text
    warnings = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert bool(warnings) == bool(warned)


def test_workers_and_a_command(
    visitor: Visitor, engine: FakeEngine, tmp_path_factory: pytest.TempPathFactory
) -> None:
    program = tmp_path_factory.mktemp("command") / "echo.sh"
    program.write_text('#!/bin/sh\nwhile read -r line; do echo "{\\"option\\":\\"$1\\"}" >&3; done\n')
    program.chmod(0o755)
    visitor.visit = lambda client: check(client.post("/", json={}).json(), {"option": "--port"})
    assert main(["serve", "--port", "0", "--workers", "2", "--", str(program), "--port"]) == 0
    visitor.check()
    assert len(engine.processes) == 2


def check(value: Any, expected: Any) -> None:
    """Assert, where only an expression fits."""
    assert value == expected


def test_interrupted_from_the_keyboard(
    monkeypatch: pytest.MonkeyPatch, handler: str, engine: FakeEngine
) -> None:
    visitor = Visitor(signal.SIGINT)
    monkeypatch.setattr("groundhog.cli.listening._printed", visitor.hear)
    assert main(["serve", handler, "--port", "0"]) == 0
    visitor.check()
    assert engine.alive == 0


def test_what_is_under_way_is_answered(
    visitor: Visitor, engine: FakeEngine, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """SIGTERM comes while the function waits for a file that only then is made."""
    directory = tmp_path_factory.mktemp("drain")
    slow = directory / "slow.py"
    slow.write_text("def main(params):\n    return {'read': open(params['fifo']).read()}\n")
    fifo = directory / "fifo"
    os.mkfifo(fifo)

    def visit(client: httpx.Client) -> None:
        answers: list[Any] = []
        asking = threading.Thread(
            target=lambda: answers.append(client.post("/", json={"fifo": str(fifo)}).json())
        )
        asking.start()
        with fifo.open("w") as writing:  # opens when the function has opened its end
            os.kill(os.getpid(), signal.SIGTERM)
            while accepts(client.base_url.port or 0):
                pass
            writing.write("late")
        asking.join()
        assert answers == [{"read": "late"}]

    visitor.visit = visit
    visitor._number = 0  # the visit has sent the signal itself; another would end the server at once
    assert main(["serve", str(slow), "--port", "0"]) == 0
    visitor.check()
    assert len(engine.processes) == 1


def test_openwhisk(visitor: Visitor, engine: FakeEngine, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    def visit(client: httpx.Client) -> None:
        assert client.post("/run", json={"value": {}}).status_code == 500
        code = (
            "import os\ndef main(_):\n    print('hi')\n    return {'id': os.environ['__OW_ACTIVATION_ID']}\n"
        )
        assert client.post("/init", json={"value": {"code": code}}).json() == {"ok": True}
        run = {"value": {}, "activation_id": "a1", "deadline": "123", "namespace": "ns"}
        assert client.post("/run", json=run).json() == {"id": "a1"}

    visitor.visit = visit
    assert main(["openwhisk", "--port", "0", "--host", "127.0.0.1", "--keep-connections"]) == 0
    visitor.check()
    sentinel = b"XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX\n"
    out, err = capfdbinary.readouterr()
    assert out == b"hi\n" + sentinel
    assert err == sentinel
    assert [process.keeps_connections for process in engine.processes] == [True]


def test_openwhisk_says_nothing_on_a_port_that_is_known(
    engine: FakeEngine, capfd: pytest.CaptureFixture[str]
) -> None:
    """The compatibility kit asserts empty streams, and the first activation would get what is there."""
    with listening.listen("127.0.0.1", 0) as sock:
        url = listening.url(sock)
    visitor = Visitor()
    visitor.visit = lambda client: check(wait_until_accepted(client), 200)
    visitor.hear(url)
    assert main(["openwhisk", "--port", url.rpartition(":")[2], "--host", "127.0.0.1"]) == 0
    visitor.check()
    assert capfd.readouterr() == ("", "")
    assert engine.processes == []


def wait_until_accepted(client: httpx.Client) -> int:
    """The status of the first answer."""
    while True:
        with contextlib.suppress(httpx.ConnectError):
            return client.get("/_/health").status_code


def test_nothing_is_left_when_stopped_while_starting(
    monkeypatch: pytest.MonkeyPatch, engine: FakeEngine, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """SIGTERM comes while the function is loading."""
    path = tmp_path_factory.mktemp("loading") / "never.py"
    path.write_text("import threading\nthreading.Event().wait()\ndef main(params): return {}\n")
    said: list[str] = []
    monkeypatch.setattr("groundhog.cli.listening._printed", said.append)
    spawn = engine.spawn

    def spawn_and_stop(*args: Any, **options: Any) -> Any:
        process = spawn(*args, **options)
        os.kill(os.getpid(), signal.SIGTERM)
        return process

    monkeypatch.setattr(engine, "spawn", spawn_and_stop)
    assert main(["serve", str(path), "--port", "0"]) == 0
    assert said == []
    assert len(engine.processes) == 1


@pytest.mark.may_skip("a machine may have no IPv6; the address family changes nothing else")
def test_the_url_of_an_ipv6_socket_has_brackets() -> None:
    try:
        sock = listening.listen("::1", 0)
    except errors.ConfigError as error:
        pytest.skip(str(error))
    with sock:
        assert re.fullmatch(r"http://\[::1\]:\d+", listening.url(sock))


@pytest.mark.parametrize(
    ("host", "functions", "is_free"),
    [
        ("127.0.0.1", "::1", False),
        ("127.0.0.2", "127.0.0.1", False),
        ("127.0.0.1", "127.0.0.2", True),
        ("0.0.0.0", "::1", False),  # noqa: S104
        ("0.0.0.0", "::", False),  # noqa: S104
        ("::1", "127.0.0.1", False),
        ("::", "127.0.0.1", False),
    ],
)
@pytest.mark.may_skip("a machine may have no IPv6: then nobody gets the port there")
def test_no_function_gets_the_port_of_its_server(host: str, functions: str, *, is_free: bool) -> None:
    """Callers that look for ``localhost`` may find ``::1`` first."""
    family = socket.AF_INET6 if ":" in functions else socket.AF_INET
    try:
        sock = listening.listen(host, free_everywhere())
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except (errors.ConfigError, OSError) as error:
        pytest.skip(str(error))
    with sock, contextlib.ExitStack() as held, socket.socket(family) as taken:
        for other in listening.neighbouring(sock):
            held.enter_context(other)
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            taken.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        with contextlib.nullcontext() if is_free else pytest.raises(OSError, match="in use"):
            taken.bind((functions, sock.getsockname()[1]))
            taken.listen()


@pytest.fixture
def addresses() -> dict[socket.AddressFamily, str]:
    """Of this machine, beside loopback."""
    found = {}
    for family, far in ((socket.AF_INET, "192.0.2.99"), (socket.AF_INET6, "2001:db8::99")):
        with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as way:
            way.connect((far, 9))  # sends nothing, but looks for a way there
            found[family] = way.getsockname()[0]
    if len(found) < 2:
        pytest.skip("this machine has no addresses of both families")
    return found


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
@pytest.mark.may_skip("a machine may have addresses of one family only; then nobody asks for another one")
def test_no_function_gets_the_port_at_an_address_of_the_other_family(
    family: socket.AddressFamily, addresses: dict[socket.AddressFamily, str], caplog: pytest.LogCaptureFixture
) -> None:
    """Callers that look for a name with addresses of both families try IPv6 first."""
    logs.configure()
    other = socket.AF_INET6 if family == socket.AF_INET else socket.AF_INET
    port = free_everywhere()
    with listening.listen(addresses[family], port) as sock, contextlib.ExitStack() as held:
        with socket.create_server((addresses[other], port), family=other):
            for taken in listening.neighbouring(sock):
                taken.close()
        assert "the same port is somebody else's" in caplog.text
        for taken in listening.neighbouring(sock):
            held.enter_context(taken)
        for address in (addresses[other], "127.0.0.1", "::1"):
            with pytest.raises(OSError, match="in use"):
                socket.create_server((address, port), family=listening._family(address))


def test_a_port_that_somebody_else_has_is_told(caplog: pytest.LogCaptureFixture) -> None:
    logs.configure()
    with (
        listening.listen("127.0.0.2", free_everywhere()) as sock,
        socket.create_server(("127.0.0.1", sock.getsockname()[1])),
    ):
        for other in listening.neighbouring(sock):
            other.close()
    assert "the same port is somebody else's" in caplog.text


def test_a_server_holds_its_port_while_it_serves(
    visitor: Visitor, handler: str, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[socket.socket] = []
    neighbouring = listening.neighbouring

    def hold(sock: socket.socket) -> list[socket.socket]:
        held.extend(neighbouring(sock))
        assert engine.processes == [], "no function is there before"
        return held

    monkeypatch.setattr(listening, "neighbouring", hold)
    visitor.visit = lambda _: check([other.fileno() >= 0 for other in held], [True] * len(held))
    assert main(["serve", handler, "--port", "0", "--host", "127.0.0.2"]) == 0
    visitor.check()
    assert held
    assert all(other.fileno() < 0 for other in held)


def test_a_server_without_descriptors_says_so_once_a_second(
    visitor: Visitor, handler: str, engine: FakeEngine, caplog: pytest.LogCaptureFixture
) -> None:
    """Asyncio would log each of as many attempts as the backlog is long, with its traceback."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)

    def visit(client: httpx.Client) -> None:
        assert client.get("/_/health").status_code == 200
        address = (client.base_url.host, client.base_url.port)
        with contextlib.ExitStack() as opened:
            waiting = [opened.enter_context(socket.socket()) for _ in range(20)]
            with Path(os.devnull).open("rb") as next_one:
                free = next_one.fileno()
            resource.setrlimit(resource.RLIMIT_NOFILE, (free, limits[1]))
            try:
                for one in waiting:
                    one.connect(address)
                while "no caller can be accepted" not in caplog.text:
                    time.sleep(0.001)
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        assert client.get("/_/health").status_code == 200

    visitor.visit = visit
    assert main(["serve", handler, "--port", "0"]) == 0
    visitor.check()
    assert len(engine.processes) == 1
    assert caplog.text.count("no caller can be accepted") == 1


def test_where_nobody_can_tell_who_asks(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Domains depend on it; the order of logs keeps no container from starting."""
    monkeypatch.setattr("groundhog.platforms.neighbours.can_tell", lambda: False)

    def made(isolation: str) -> object:
        return listening.neighbours(isolation, "host", None, trust_local_callers=False)

    with pytest.raises(ConfigError, match="tcp_diag"):
        made("domain")
    logs.configure()
    assert made("request") is None
    assert "metrics of other requests" in caplog.text
    assert "tcp_diag" in caplog.text
