"""What a connection makes of bytes: pure, by a transport that only notes what is written."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
import uvicorn
from uvicorn.server import ServerState

from groundhog.platforms.connection import Connection

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

HOST = b"Host: x\r\n"
GET = b"GET /%s HTTP/1.1\r\n" + HOST + b"\r\n"
CHUNKED = b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"


class Transport(asyncio.Transport):
    """Of a caller that takes everything."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__({"socket": sock})
        self.written = b""
        self.ended = False
        self.max_size = 0
        self.paused = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self.ended:
            self.written += data

    def is_closing(self) -> bool:
        return self.ended

    def close(self) -> None:
        self.ended = True

    abort = close

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False


class Caller:
    """One connection to an application that answers what it was asked, when it is let."""

    def __init__(self, sock: socket.socket) -> None:
        self.let = asyncio.Event()
        self.refuses = False
        """Whatever is asked, before its body has come."""
        self.scopes: list[Any] = []
        self.seen: list[Any] = []
        config = uvicorn.Config(self._app, interface="asgi3", lifespan="off", ws="none", log_config=None)
        config.load()
        self.state = ServerState()
        self.transport = Transport(sock)
        self.connection = Connection(config, self.state, {})
        self.connection.connection_made(self.transport)

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        if self.refuses:
            await send({"type": "http.response.start", "status": 413, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body", "body": b""})
            return
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.seen.append("gone")
                return
            body += message["body"]
            more = message["more_body"]
        self.seen.append(body)
        await self.let.wait()
        answer = json.dumps([scope["path"], body.decode()]).encode()
        headers = [(b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    async def say(self, *parts: bytes) -> None:
        """Send so much, of which each part is read in pieces as asyncio would."""
        for part in parts:
            left = part
            while left and not self.transport.ended:
                piece, left = left[: self.transport.max_size], left[self.transport.max_size :]
                self.connection.data_received(piece)
                await self.settle()

    async def settle(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)

    def answers(self) -> list[int]:
        return [int(part.split()[0]) for part in self.transport.written.split(b"HTTP/1.1 ")[1:]]


@pytest_asyncio.fixture
async def caller() -> AsyncIterator[Caller]:
    with socket.socket() as sock:
        made = Caller(sock)
        yield made
        made.let.set()
        await made.settle()
        made.connection.connection_lost(None)
        await made.settle()
    assert not made.state.tasks, "no exchange is left"


@pytest.mark.parametrize("size", [1, 7, 10_000])
async def test_requests_are_answered_in_their_order(caller: Caller, size: int) -> None:
    whole = GET % b"a" + CHUNKED + b"3;x=y\r\nabc\r\n0\r\n\r\n" + GET % b"b?q"
    await caller.say(*(whole[at : at + size] for at in range(0, len(whole), size)))
    caller.let.set()
    await caller.settle()
    assert caller.answers() == [200, 200, 200]
    assert [(scope["path"], scope["query_string"]) for scope in caller.scopes] == [
        ("/a", b""),
        ("/", b""),
        ("/b", b"q"),
    ]
    assert caller.seen == [b"", b"abc", b""]
    assert not caller.transport.ended


@pytest.mark.parametrize(
    "behind",
    [
        b"morse\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        CHUNKED + b"zz\r\n",
        CHUNKED + b"1\r\nabc",
        CHUNKED + b"0\r\n" + b"X: y\r\n" * 20_000,
        b"GET / HTTP/1.1\r\nX: " + b"y" * 100_000,
    ],
    ids=["morse", "no-host", "no-chunk", "long-chunk", "trailers", "head"],
)
async def test_what_is_no_request_is_refused_behind_those_that_are(caller: Caller, behind: bytes) -> None:
    """Else a gateway would take the refusal for the answer to what it has sent for somebody else."""
    await caller.say(GET % b"a", behind, GET % b"never")
    assert caller.answers() == []
    caller.let.set()
    await caller.settle()
    first, second = caller.answers()
    assert (first, second // 100) == (200, 4)
    assert caller.transport.ended
    assert [scope["path"] for scope in caller.scopes] in (["/a"], ["/a", "/"])


@pytest.mark.parametrize(
    "rest",
    [b"zz\r\n", b"1\r\nabc", b"2;" + b"x" * 100_000, b"0\r\nX: " + b"y" * 100_000, b"2\r\n{}\r\n-1\r\n"],
    ids=["no-size", "long", "extension", "trailer", "negative"],
)
async def test_a_broken_body_is_refused_and_its_exchange_is_told(caller: Caller, rest: bytes) -> None:
    await caller.say(CHUNKED, rest, GET % b"never")
    assert caller.answers()[0] // 100 == 4
    assert len(caller.answers()) == 1
    assert caller.seen == ["gone"]
    assert caller.transport.ended


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"POST / HTTP/1.1\r\n" + HOST + HOST + b"\r\n", 400),
        (b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked, chunked\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: xchunked\r\n\r\n", 501),
        (b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: +2\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 2a\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length : 2\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\n" + HOST + b"X: a\r\n b\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\n" + HOST + b"X: a\0b\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\n" + HOST + b"X: a\rb\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\n" + HOST + b"X(y): a\r\n\r\n", 400),
        (b"POST / HTTP/2.0\r\n" + HOST + b"\r\n", 400),
        (b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"\r\n" * 40_000, 431),
    ],
)
async def test_a_head_that_can_be_read_in_two_ways_is_refused(
    caller: Caller, head: bytes, status: int
) -> None:
    caller.let.set()
    await caller.say(head, GET % b"never")
    assert caller.answers() == [status]
    assert caller.transport.ended
    assert b"/never" not in caller.transport.written


@pytest.mark.parametrize(
    ("target", "path"),
    [
        (b"*", "*"),
        (b"http://x/a%20b?c", "http://x/a b"),
        (b"//a", "//a"),
        (b"/a?b?c", "/a"),
        (b"/%ff", "/�"),
        (b"/_/metrics", "/_/metrics"),
        (b"/%5f/metrics", "/%5f/metrics"),
        (b"/_%2Fmetrics", "/_%2Fmetrics"),
        (b"/_/%6detrics", "/_/%6detrics"),
    ],
)
async def test_targets_are_told_as_they_were_sent(caller: Caller, target: bytes, path: str) -> None:
    await caller.say(b"OPTIONS " + target + b" HTTP/1.1\r\n" + HOST + b"\r\n")
    scope = caller.scopes[0]
    assert (scope["path"], scope["raw_path"]) == (path, target.partition(b"?")[0])


async def test_trailers_are_no_headers(caller: Caller) -> None:
    caller.let.set()
    await caller.say(CHUNKED + b"1\r\na\r\n0\r\nX-Tenant: ada\r\n\r\n", GET % b"b")
    assert [name for name, _ in caller.scopes[0]["headers"]] == [b"host", b"transfer-encoding"]
    assert caller.answers() == [200, 200]


async def test_blanks_around_a_value_are_not_a_part_of_it(caller: Caller) -> None:
    await caller.say(b"GET / HTTP/1.1\r\nHost: x\r\nX-Tenant: \t ada \t\r\n\r\n")
    assert (b"x-tenant", b"ada") in caller.scopes[0]["headers"]


async def test_all_exchanges_are_told_when_the_caller_goes(caller: Caller) -> None:
    await caller.say(GET % b"a", CHUNKED)
    caller.connection.connection_lost(None)
    caller.let.set()
    await caller.settle()
    assert caller.seen == [b""]
    assert caller.answers() == [], "there is nobody to be answered"


@pytest.mark.parametrize("body", [b"", b"Content-Length: 2\r\n"], ids=["none", "some"])
async def test_nothing_behind_an_upgrade_is_a_request(caller: Caller, body: bytes) -> None:
    caller.let.set()
    head = b"POST / HTTP/1.1\r\n" + HOST + b"Connection: upgrade\r\nUpgrade: other\r\n" + body + b"\r\n"
    await caller.say(head + (b"{}" if body else b"") + GET % b"never", GET % b"never")
    assert caller.answers() == [200]
    assert b"connection: close" in caller.transport.written
    assert len(caller.scopes) == 1


@pytest.mark.parametrize("size", [1, 7, 10_000])
@pytest.mark.parametrize(
    ("framing", "body"),
    [
        (b"Content-Length: 10\r\n", b'{"pay": 1}'),
        (b"Transfer-Encoding: chunked\r\n", b'4\r\n{"pa\r\n6\r\ny": 1}\r\n0\r\nX-Tenant: ada\r\n\r\n'),
    ],
    ids=["length", "chunked"],
)
async def test_a_request_that_asks_for_another_protocol_keeps_its_body(
    caller: Caller, framing: bytes, body: bytes, size: int
) -> None:
    """A client of Java asks for HTTP/2 by each: without its body, a function does something else."""
    caller.let.set()
    asked = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
    whole = b"POST /a HTTP/1.1\r\n" + HOST + asked + framing + b"\r\n" + body + GET % b"never"
    await caller.say(*(whole[at : at + size] for at in range(0, len(whole), size)))
    assert caller.seen == [b'{"pay": 1}']
    assert [(scope["path"], scope["method"]) for scope in caller.scopes] == [("/a", "POST")]
    assert caller.answers() == [200]
    assert caller.transport.ended


async def test_a_broken_body_of_one_that_asks_for_another_protocol_is_refused(caller: Caller) -> None:
    asked = b"Connection: upgrade\r\nUpgrade: h2c\r\nTransfer-Encoding: chunked\r\n"
    await caller.say(b"POST / HTTP/1.1\r\n" + HOST + asked + b"\r\nzz\r\n")
    assert caller.answers() == [400]
    assert caller.seen == ["gone"]
    assert caller.transport.ended


async def test_an_announced_body_that_nobody_asked_for_ends_the_connection(caller: Caller) -> None:
    """Who was answered without it may leave it out: the next request would be taken for it."""
    caller.refuses = True
    head = b"POST /a HTTP/1.1\r\n" + HOST + b"Expect: 100-continue\r\nContent-Length: 99\r\n\r\n"
    await caller.say(head, GET % b"next")
    assert caller.answers() == [413]
    assert b"connection: close" in caller.transport.written
    assert caller.transport.ended


async def test_an_announced_body_that_was_asked_for_does_not(caller: Caller) -> None:
    caller.let.set()
    head = b"POST /a HTTP/1.1\r\n" + HOST + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    await caller.say(head, b"{}", GET % b"next")
    assert caller.answers() == [100, 200, 200]


async def test_a_broken_body_has_no_second_answer(caller: Caller) -> None:
    """It would be taken for that of the next request."""
    caller.refuses = True
    await caller.say(CHUNKED, b"1\r\na\r\n", b"zz\r\n")
    assert caller.answers() == [413]
    assert caller.transport.ended


async def test_what_follows_a_body_that_came_too_late_is_a_request(caller: Caller) -> None:
    caller.refuses = True
    await caller.say(CHUNKED, b"1\r\na\r\n0\r\n\r\n", GET % b"a", b"morse\r\n\r\n")
    assert caller.answers() == [413, 413, 400]


async def test_no_more_is_read_while_many_requests_wait(caller: Caller) -> None:
    """Each answer lets a piece of them be read, and so memory be taken for all that a caller sends."""
    await caller.say(GET % b"a" * 30)
    caller.connection.flow.resume_reading()
    assert caller.transport.paused
    caller.let.set()
    for _ in range(20):
        await caller.settle()
    assert caller.answers() == [200] * 30
    assert not caller.transport.paused
