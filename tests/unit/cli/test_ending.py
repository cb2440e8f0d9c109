"""How a server ends: what has been accepted is answered, and nothing keeps it from ending."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
import signal
import socket
from typing import TYPE_CHECKING, Any

import pytest

from groundhog import Function, Limits, Pool
from groundhog.cli import listening
from groundhog.platforms import http
from groundhog.platforms.metrics import Metrics
from groundhog.platforms.openwhisk import Container
from groundhog.testing import FakeEngine
from tests.unit.cli.ports import accepts
from tests.unit.core.scripts import FUNCTION, Gate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from starlette.types import ASGIApp

NEVER_S = 60.0
LIMITS = Limits(timeout_s=NEVER_S)


class Client:
    """One connection that sends a request, perhaps not all of it, and reads until it is closed."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def send(cls, port: int, body: bytes = b"{}", *, path: str = "/", length: int = 0) -> Client:
        client = cls(*await asyncio.open_connection("127.0.0.1", port))
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length or len(body)}\r\n\r\n"
        client._writer.write(head.encode() + body)
        await client._writer.drain()
        return client

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        """Status, header lines, body: until the server closes the connection."""
        data = b""
        with contextlib.suppress(ConnectionResetError):
            while chunk := await self._reader.read(1 << 16):
                data += chunk
        self._writer.close()
        with contextlib.suppress(ConnectionResetError):
            await self._writer.wait_closed()
        head, _, body = data.partition(b"\r\n\r\n")
        status, *lines = head.decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines)
        return int(status.split()[1]), headers, body

    async def refused(self, *, may_have_run: bool = False) -> None:
        """Check that it is told to come again, unless its function may have run."""
        status, headers, body = await self.answer()
        assert status == 503
        assert headers.get("retry-after") == (None if may_have_run else "1")
        assert int(headers["content-length"]) == len(body)
        assert body.startswith(b'{"error":"')


@pytest.fixture(autouse=True)
def no_complaints(caplog: pytest.LogCaptureFixture) -> Any:
    """No traceback, nor a line of the HTTP server's own."""
    caplog.set_level(logging.WARNING)
    yield
    assert [record.name for record in caplog.records if record.name != "groundhog"] == []


class Serving:
    """A server in this process, until it is asked to end."""

    def __init__(
        self,
        application: ASGIApp,
        drain: Callable[[float], Awaitable[object]],
        close: Any,
        start: Any,
        hurry: Callable[[], None] = lambda: None,
    ) -> None:
        self._sock = listening.listen("127.0.0.1", 0)
        self.port: int = self._sock.getsockname()[1]
        self._make = (application, drain, close, start, hurry)

    @contextlib.asynccontextmanager
    async def running(self, drain_s: float) -> AsyncIterator[asyncio.Task[None]]:
        application, drain, close, start, hurry = self._make
        serving = asyncio.create_task(
            listening.serve(
                application,
                self._sock,
                start=start,
                drain=drain,
                close=close,
                hurry=hurry,
                announcement=None,
                drain_s=drain_s,
            )
        )
        yield serving
        await asyncio.wait_for(serving, 20)


def end() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def over(pool: Pool) -> Serving:
    application = http.application(pool, Metrics(), pool.limits)
    return Serving(application, pool.drain, pool.aclose, pool.start, pool.hurry)


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110  (nothing tells of it)
        await asyncio.sleep(0.005)


async def test_what_is_queued_is_answered() -> None:
    gate = Gate()
    pool = Pool(FUNCTION, limits=LIMITS, engine=FakeEngine(gate))
    server = over(pool)
    async with server.running(NEVER_S):
        clients = [await Client.send(server.port) for _ in range(3)]
        await gate.entered()
        await until(lambda: pool.stats().queue_length == 2)
        end()
        await until(lambda: not pool.ready)
        gate.release.release(3)
        assert [(await client.answer())[0] for client in clients] == [200] * 3


async def test_no_function_gets_the_port_of_a_server_that_ends() -> None:
    """What runs on could listen there, and get what callers send."""
    gate = Gate()
    pool = Pool(FUNCTION, limits=LIMITS, engine=FakeEngine(gate))
    server = over(pool)
    async with server.running(NEVER_S):
        client = await Client.send(server.port)
        await gate.entered()
        end()
        await until(lambda: not accepts(server.port))
        for host, option in itertools.product(
            ("127.0.0.1", "0.0.0.0"),  # noqa: S104
            (socket.SO_KEEPALIVE, socket.SO_REUSEADDR, socket.SO_REUSEPORT),
        ):
            with socket.socket() as taken:
                taken.setsockopt(socket.SOL_SOCKET, option, 1)
                with pytest.raises(OSError, match="in use"):
                    taken.bind((host, server.port))
        gate.release.release()
        assert (await client.answer())[0] == 200
    with listening.listen("127.0.0.1", server.port):
        pass  # the next server gets it, though the kernel remembers connections


async def test_what_cannot_be_answered_in_time_is_refused() -> None:
    gate = Gate()
    pool = Pool(FUNCTION, limits=LIMITS, engine=FakeEngine(gate))
    server = over(pool)
    async with server.running(0.3):
        clients = [await Client.send(server.port) for _ in range(3)]
        await gate.entered()
        await until(lambda: pool.stats().queue_length == 2)
        end()
        under_way, *waiting = clients
        await under_way.refused(may_have_run=True)
        for client in waiting:
            await client.refused()


async def test_a_second_signal_does_not_wait() -> None:
    gate = Gate()
    pool = Pool(FUNCTION, limits=LIMITS, engine=FakeEngine(gate))
    server = over(pool)
    async with server.running(NEVER_S) as serving:
        client = await Client.send(server.port)
        await gate.entered()
        end()
        await until(lambda: not pool.ready)
        assert not serving.done()
        end()
        await client.refused(may_have_run=True)


async def test_a_body_that_never_ends() -> None:
    pool = Pool(FUNCTION, limits=LIMITS, engine=FakeEngine(Gate()))
    server = over(pool)
    async with server.running(0.1):
        await until(lambda: pool.ready)
        client = await Client.send(server.port, b"{", length=1000)
        await asyncio.sleep(0.1)
        end()
        await client.refused()


async def test_a_body_that_comes_too_slowly_ends_its_connection() -> None:
    pool = Pool(FUNCTION, limits=Limits(timeout_s=0.1), engine=FakeEngine(Gate()))
    server = over(pool)
    async with server.running(NEVER_S):
        client = await Client.send(server.port, b"{", length=1000)
        assert (await client.answer())[0] == 408
        end()


@pytest.mark.parametrize("isolation", ["request", "domain"])
async def test_a_second_signal_waits_for_no_hook_before_a_restore(isolation: str) -> None:
    limits = Limits(timeout_s=NEVER_S, hooks_timeout_s=NEVER_S, domain_idle_s=NEVER_S)
    hooks = Gate()
    engine = FakeEngine(lambda *_: {}, finish=lambda _: None)
    pool = Pool(FUNCTION, isolation=isolation, limits=limits, engine=engine)
    server = over(pool)
    async with server.running(NEVER_S) as serving:
        await until(lambda: pool.ready)
        engine.finish = lambda call: str(hooks(None, call) and "")
        await pool.invoke({}, domain="a")
        end()
        await hooks.entered()
        assert pool.stats().workers == {"finishing": 1}
        assert not serving.done()
        end()


async def test_an_init_that_does_not_end() -> None:
    engine = FakeEngine(Gate())
    engine.fail("init-hangs")

    def make(_: Function, observer: Any) -> Pool:
        return Pool(FUNCTION, limits=LIMITS, engine=engine, observer=observer)

    container = Container("python", make, LIMITS)

    async def nothing() -> None:
        pass

    server = Serving(container.application(), container.drain, container.aclose, nothing)
    init = b'{"value":{"code":"def main(args): return args"}}'
    async with server.running(0.2):
        client = await Client.send(server.port, init, path="/init")
        await until(lambda: bool(engine.processes))
        end()
        await client.refused()
    assert engine.alive == 0
