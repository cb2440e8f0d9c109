"""A server waits for callers that are slow, and not for those that do nothing."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import resource
import selectors
import socket
from typing import TYPE_CHECKING

import pytest
import structlog.testing

from groundhog.cli import listening
from groundhog.platforms import connection
from tests.unit.cli.test_ending import Serving, end

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

BODY = bytes(30_000_000)
ASKED = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
KEPT = ASKED.replace(b"close", b"keep-alive")


async def _application(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001
    length = (b"content-length", str(len(BODY)).encode())
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": BODY})


async def _answer(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


async def _nothing(_: float = 0) -> None:
    pass


@pytest.mark.parametrize("asked", [ASKED, KEPT + ASKED], ids=["once", "pipelined"])
@pytest.mark.parametrize(("pause_s", "is_whole"), [(0.01, True), (2.5, False)], ids=["slow", "asleep"])
async def test_an_answer_that_is_read(
    monkeypatch: pytest.MonkeyPatch, asked: bytes, pause_s: float, *, is_whole: bool
) -> None:
    monkeypatch.setattr(connection, "STUCK_S", 0.6)
    server = Serving(_application, _nothing, _nothing, _nothing)
    got = 0
    async with server.running(1):
        loop = asyncio.get_running_loop()
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 100_000)
            client.setblocking(False)
            await loop.sock_connect(client, ("127.0.0.1", server.port))
            await loop.sock_sendall(client, asked)
            try:
                while data := await loop.sock_recv(client, 1 << 18):
                    got += len(data)
                    await asyncio.sleep(pause_s)
                    pause_s = min(pause_s, 0.01)
            except ConnectionResetError:
                pass
        end()
    assert (got > asked.count(b"GET") * len(BODY)) == is_whole


@pytest.mark.parametrize("earlier", [b"", KEPT], ids=["first", "second"])
async def test_a_head_that_never_ends(monkeypatch: pytest.MonkeyPatch, earlier: bytes) -> None:
    monkeypatch.setattr(connection, "STUCK_S", 0.3)
    server = Serving(_application, _nothing, _nothing, _nothing)
    async with server.running(1):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        if earlier:
            writer.write(earlier)
            await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(len(BODY))
        writer.write(b"POST / HTT")
        with contextlib.suppress(ConnectionResetError):
            while await asyncio.wait_for(reader.read(1 << 20), 10):
                pass
        writer.close()
        end()


@pytest.mark.parametrize(
    "half", [b"", b"POST / HTT", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab", KEPT]
)
async def test_callers_that_take_all_connections(monkeypatch: pytest.MonkeyPatch, half: bytes) -> None:
    monkeypatch.setattr(connection, "MOST_CONNECTIONS", 4)
    gate = asyncio.Event()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/slow":
            await gate.wait()
        elif scope["method"] == "POST":
            while (await receive()).get("more_body"):
                pass
        await _answer(scope, receive, send)

    server = Serving(application, _nothing, _nothing, _nothing)
    async with server.running(1):

        async def connected(sent: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
            made = await asyncio.open_connection("127.0.0.1", server.port)
            made[1].write(sent)
            return made

        waiting = await connected(KEPT.replace(b"/ ", b"/slow "))
        idle = [await connected(half) for _ in range(10)]
        for _ in range(3):
            reader, writer = await connected(ASKED)
            assert await asyncio.wait_for(reader.readline(), 5) == b"HTTP/1.1 200 OK\r\n"
            writer.close()
        with contextlib.suppress(ConnectionResetError):
            await asyncio.wait_for(idle[0][0].read(), 5)  # to the end
        gate.set()
        assert await asyncio.wait_for(waiting[0].readline(), 5) == b"HTTP/1.1 200 OK\r\n"
        for _, writer in (waiting, *idle):
            writer.close()
        end()


async def test_callers_of_whom_nothing_can_be_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as a function has all watches of its user."""
    monkeypatch.setattr(connection.Connection, "_told_at", -connection.STUCK_S)

    def taken(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def ask(port: int) -> bytes:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
            with contextlib.suppress(ConnectionError):
                client.sendall(ASKED)
                return client.recv(100)
            return b""

    server = Serving(_answer, _nothing, _nothing, _nothing)
    async with server.running(1):
        before = await asyncio.to_thread(ask, server.port)
        with monkeypatch.context() as patched, structlog.testing.capture_logs() as logged:
            patched.setattr(selectors.EpollSelector, "register", taken)
            said = [await asyncio.to_thread(ask, server.port) for _ in range(3)]
        after = await asyncio.to_thread(ask, server.port)
        end()
    assert before.startswith(b"HTTP/1.1 200")
    assert said == [b""] * 3
    assert after.startswith(b"HTTP/1.1 200")
    assert [(line["log_level"], line.get("error")) for line in logged] == [
        ("warning", "No space left on device")
    ]


async def test_a_listener_that_could_not_be_watched_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """There was no descriptor for a caller, and a second later no watch for the listener."""
    monkeypatch.setattr(listening, "_ANEW_S", 1.5)
    monkeypatch.setattr("asyncio.constants.ACCEPT_RETRY_DELAY", 0.01)
    failures = {"accept": 0, "register": 0}
    accept, register = socket.socket.accept, selectors.EpollSelector.register

    def fail_to_accept(sock: socket.socket) -> object:
        if not failures["accept"]:
            failures["accept"] += 1
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return accept(sock)

    def fail_to_watch(*arguments: object) -> object:
        if failures["accept"] and failures["register"] < 3:
            failures["register"] += 1
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return register(*arguments)  # type: ignore[arg-type]

    def ask(port: int) -> bytes:
        with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
            client.sendall(ASKED)
            return client.recv(100)

    server = Serving(_answer, _nothing, _nothing, _nothing)
    async with server.running(1):
        with structlog.testing.capture_logs() as logged:
            monkeypatch.setattr(socket.socket, "accept", fail_to_accept)
            monkeypatch.setattr(selectors.EpollSelector, "register", fail_to_watch)
            said = await asyncio.to_thread(ask, server.port)
        end()
    assert said.startswith(b"HTTP/1.1 200")
    assert failures == {"accept": 1, "register": 3}
    assert [line["event"] for line in logged] == ["no caller can be accepted"]


async def answered(client: socket.socket, port: int, asked: bytes) -> None:
    """Ask by it, and take no more of the answer than that it begins."""
    loop = asyncio.get_running_loop()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 100_000)
    client.setblocking(False)
    await loop.sock_connect(client, ("127.0.0.1", port))
    await loop.sock_sendall(client, asked)
    assert await loop.sock_recv(client, 1)


@pytest.mark.parametrize("asked", [ASKED, KEPT, KEPT + KEPT], ids=["once", "kept", "pipelined"])
async def test_callers_that_take_all_connections_and_no_answers(
    monkeypatch: pytest.MonkeyPatch, asked: bytes
) -> None:
    monkeypatch.setattr(connection, "MOST_CONNECTIONS", 4)
    gate = asyncio.Event()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/slow":
            await gate.wait()
        await (_application if scope["path"] == "/" else _answer)(scope, receive, send)

    server = Serving(application, _nothing, _nothing, _nothing)
    async with server.running(1):
        waiting, its_end = await asyncio.open_connection("127.0.0.1", server.port)
        its_end.write(KEPT.replace(b"/ ", b"/slow "))
        with contextlib.ExitStack() as stack:
            for _ in range(10):
                await answered(stack.enter_context(socket.socket()), server.port, asked)
            for _ in range(3):
                reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
                writer.write(ASKED.replace(b"/ ", b"/short "))
                assert await asyncio.wait_for(reader.readline(), 5) == b"HTTP/1.1 200 OK\r\n"
                writer.close()
        gate.set()
        assert await asyncio.wait_for(waiting.readline(), 5) == b"HTTP/1.1 200 OK\r\n"
        its_end.close()
        end()


@pytest.mark.parametrize(
    ("descriptors", "asked", "waiting"),
    [
        (1024, 1024, 512),
        (1024, 100, 100),
        (20_000, 1024, 1024),
        (resource.RLIM_INFINITY, 1024, 1024),
        (resource.RLIM_INFINITY, 100_000, 4096),
    ],
)
def test_callers_that_wait_leave_connections_to_others(
    monkeypatch: pytest.MonkeyPatch, descriptors: int, asked: int, waiting: int
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (descriptors, descriptors))
    with structlog.testing.capture_logs() as told:
        assert listening.most_waiting(asked) == waiting
    assert bool(told) == (waiting < asked)


async def test_callers_of_whom_all_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "MOST_CONNECTIONS", 2)
    gate, asked = asyncio.Event(), asyncio.Semaphore(0)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        asked.release()
        await gate.wait()
        await _answer(scope, receive, send)

    server = Serving(application, _nothing, _nothing, _nothing)
    async with server.running(1):
        made = []
        for _ in range(2):
            made.append(await asyncio.open_connection("127.0.0.1", server.port))
            made[-1][1].write(ASKED)
            await asked.acquire()
        reader, late = await asyncio.open_connection("127.0.0.1", server.port)
        with contextlib.suppress(ConnectionResetError):
            assert await asyncio.wait_for(reader.read(), 5) == b""
        late.close()
        gate.set()
        for reader, writer in made:
            assert await asyncio.wait_for(reader.readline(), 5) == b"HTTP/1.1 200 OK\r\n"
            writer.close()
        end()


async def test_answers_that_many_do_not_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_MOST_UNTAKEN", 3 * len(BODY))
    server = Serving(_application, _nothing, _nothing, _nothing)
    async with server.running(1):
        loop = asyncio.get_running_loop()
        with contextlib.ExitStack() as stack:
            clients = []
            for _ in range(5):
                clients.append(stack.enter_context(socket.socket()))
                await answered(clients[-1], server.port, ASKED)
            whole = []
            for client in clients:
                got = 1
                with contextlib.suppress(ConnectionResetError):
                    while data := await loop.sock_recv(client, 1 << 18):
                        got += len(data)
                whole.append(got > len(BODY))
        end()
    assert whole == [False, False, True, True, True]
