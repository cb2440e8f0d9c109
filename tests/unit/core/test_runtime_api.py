"""The Runtime API: what a client may ask for and when, and its channel, with a client that writes bytes."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import errno
import itertools
import json
import os
import re
import socket
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
import structlog.testing
from hypothesis import given
from hypothesis import strategies as st

from groundhog.config import Limits
from groundhog.errors import HookError, InvalidRequestError, PayloadTooLargeError, ProtocolError
from groundhog.protocols import runtime_api
from groundhog.protocols.runtime_api import TABLE, Call, Conversation, Phase, RefusedError
from groundhog.worker import family
from groundhog.worker import runtime_api as channel_module
from groundhog.worker.job import Job
from groundhog.worker.runtime_api import RuntimeApiTransport
from groundhog.worker.watchdog import Watchdog
from tests.unit.core.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from groundhog.worker.engine import Process

NEXT = b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n"
RESTORE_NEXT = b"GET /2018-06-01/runtime/restore/next HTTP/1.1\r\nHost: x\r\n\r\n"


def post(path: str, body: bytes, headers: str = "") -> bytes:
    head = (
        f"POST /2018-06-01/runtime/{path} HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class TestConversation:
    @pytest.mark.parametrize(("phase", "call"), list(itertools.product(Phase, Call)))
    def test_what_is_not_in_the_table_is_refused(self, phase: Phase, call: Call) -> None:
        talk = Conversation(phase, "id")
        request_id = "id" if call in {Call.RESPONSE, Call.ERROR} else ""
        if (phase, call) in TABLE:
            talk.take(call, request_id, {})
            assert talk.phase is TABLE[phase, call]
            return
        with pytest.raises(RefusedError) as caught:
            talk.take(call, request_id, {})
        assert caught.value.status == 403
        assert json.loads(caught.value.body)["errorType"] == "InvalidStateTransition"
        assert talk.phase is phase

    @given(st.lists(st.sampled_from([*Call, "deliver", "release"])))
    def test_an_event_is_answered_once(self, steps: list[Call | str]) -> None:
        talk = Conversation()
        delivered = answered = 0
        for step in steps:
            if step == "deliver":
                if talk.phase is Phase.WAITING:
                    delivered += 1
                    talk.deliver(str(delivered))
            elif step == "release":
                if talk.phase is Phase.PARKED:
                    talk.release()
            else:
                assert isinstance(step, Call)
                about = str(delivered) if step in {Call.RESPONSE, Call.ERROR} else ""
                with contextlib.suppress(RefusedError):
                    talk.take(step, about, {})
                    answered += bool(about)
            assert delivered - 1 <= answered <= delivered

    def test_the_answer_to_an_older_invocation(self) -> None:
        for about, headers in ("old", {}), ("id", {runtime_api.INVOCATION_ID: b"old"}):
            talk = Conversation(Phase.RUNNING, "id")
            with pytest.raises(RefusedError) as caught:
                talk.take(Call.RESPONSE, about, headers)
            assert caught.value.status == 400
            assert json.loads(caught.value.body)["errorType"] == "InvalidRequestID"
            assert talk.phase is Phase.RUNNING
        talk.take(Call.RESPONSE, "id", {runtime_api.INVOCATION_ID: b"id"})
        assert talk.phase is Phase.ANSWERED


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/"),
        ("POST", "/2018-06-01/runtime/invocation/next"),
        ("GET", "/2018-06-01/runtime/invocation/id/response"),
        ("POST", "/2018-06-01/runtime/invocation//response"),
        ("POST", "/2018-06-01/runtime/invocation/a/b/response"),
        ("POST", "/2018-06-01/runtime/invocation/id/response/"),
        ("GET", "/2018-06-01/runtime/invocation/next?x"),
    ],
)
def test_other_targets(method: str, target: str) -> None:
    with pytest.raises(RefusedError) as caught:
        runtime_api.call_of(method, target)
    assert caught.value.status == 404


def test_headers_of_an_event() -> None:
    context = {
        "deadline": "17",
        "function_arn": "arn:a",
        "trace_id": "Root=1\r\nX-Forged: 1",
        "client_context": {"custom": {"name": "Zoë"}},
        "tenant_id": "blue",
        "other": 1,
    }
    lines = runtime_api.event_headers(context, "id").decode("ascii").split("\r\n")
    assert lines.pop() == ""
    assert dict(line.split(": ", 1) for line in lines) == {
        "Lambda-Runtime-Aws-Request-Id": "id",
        "Lambda-Runtime-Invocation-Id": "id",
        "Lambda-Runtime-Deadline-Ms": "17",
        "Lambda-Runtime-Invoked-Function-Arn": "arn:a",
        "Lambda-Runtime-Trace-Id": "Root=1X-Forged: 1",
        "Lambda-Runtime-Client-Context": '{"custom": {"name": "Zo\\u00eb"}}',
        "Lambda-Runtime-Aws-Tenant-Id": "blue",
    }


@pytest.mark.parametrize("name", ["trace_id", "tenant_id", "client_context", "cognito_identity"])
@pytest.mark.parametrize("text", [" x", "\xe9 x \xe9", "\t", "x\0", "", "\n x"])
async def test_headers_of_an_event_can_be_sent(it: Fixture, name: str, text: str) -> None:
    client = await waiting(it)
    it.deliver(context={name: text})
    assert b" 200 " in await read(client)


def test_a_context_that_is_a_text_is_json_too() -> None:
    headers = runtime_api.event_headers({"client_context": " x"}, "id")
    assert b'Lambda-Runtime-Client-Context: " x"\r\n' in headers


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"errorType":"ImportError","errorMessage":"no module"}', "ImportError: no module"),
        (b'{"errorMessage":"no module"}', "no module"),
        (b"{}", "it did not say why"),
        (b"[1]", "[1]"),
        (b"\xff", "\N{REPLACEMENT CHARACTER}"),
        (b"[" * 100_000, "[" * 1000),
    ],
)
def test_what_went_wrong_in_words(body: bytes, text: str) -> None:
    assert runtime_api.described(body) == text


@pytest.mark.parametrize(("body", "value"), [(b"", None), (b"[1]", [1]), (b"text", "text"), (b'"a"', "a")])
def test_answers_of_any_kind(body: bytes, value: Any) -> None:
    assert runtime_api.parse_response(body) == value


def test_an_answer_that_is_nested_too_deeply() -> None:
    with pytest.raises(ProtocolError, match="nested too deeply"):
        runtime_api.is_failed(b"[" * 100_000)


def test_text_with_many_brackets_is_an_answer() -> None:
    assert not runtime_api.is_failed(b"a program: " + b"{" * 100_000)


class Told(Recorder):
    """The channel of this API never tells that nobody can answer: the end of the process does."""

    def on_end(self) -> None:
        raise AssertionError


class Fixture:
    """The channel of this very process, which is its own client."""

    def __init__(self) -> None:
        self.transport = RuntimeApiTransport()
        self.told = Told()
        self.channel = self.transport.channel(
            asyncio.get_running_loop(),
            self.told,
            Watchdog().guard(1, pytest.fail),
            cast("Process", SimpleNamespace(pid=os.getpid())),
            Limits(result_bytes=1000),
        )
        self.channel.listen()
        self.transport.release_child_ends()
        self._sockets: list[socket.socket] = []

    async def connect(self) -> socket.socket:
        host, _, port = self.transport.env["AWS_LAMBDA_RUNTIME_API"].partition(":")
        sock = socket.socket()
        sock.setblocking(False)
        self._sockets.append(sock)
        await asyncio.get_running_loop().sock_connect(sock, (host, int(port)))
        return sock

    def deliver(
        self,
        value: bytes = b"{}",
        request_id: str = "id",
        *,
        hooks: bool = False,
        context: dict[str, str] | None = None,
    ) -> None:
        members = json.dumps({"activation_id": request_id, **(context or {})}).encode()[1:-1]
        future = asyncio.get_running_loop().create_future()
        self.channel.serve(Job(value, b"," + members, False, None, 5.0, future), hooks=hooks)

    async def next(self) -> tuple[str, Any]:
        return await asyncio.wait_for(self.told.events.get(), 10)

    def close(self) -> None:
        self.channel.stop()
        self.transport.close()
        for sock in self._sockets:
            sock.close()


async def read(sock: socket.socket) -> bytes:
    """What has been sent, once there is something."""
    return await asyncio.wait_for(asyncio.get_running_loop().sock_recv(sock, 1 << 20), 10)


@pytest.fixture
async def it(no_leaks: None) -> AsyncIterator[Fixture]:  # noqa: ARG001
    fixture = Fixture()
    yield fixture
    fixture.close()


async def waiting(it: Fixture) -> socket.socket:
    """A client that waits at its snapshot."""
    client = await it.connect()
    it.channel.expect()
    client.send(NEXT)
    assert await it.next() == ("answer", b'{"ok":true}')
    it.channel.finish()
    assert await it.next() == ("answer", b'{"ok":true}')
    return client


async def served(it: Fixture, client: socket.socket, request_id: str = "id") -> None:
    it.deliver(b"{}", request_id)
    assert f"Lambda-Runtime-Aws-Request-Id: {request_id}\r\n".encode() in await read(client)
    client.send(post(f"invocation/{request_id}/response", b'"done"'))
    assert await it.next() == ("answer", b'"done"')
    assert (await read(client)).startswith(b"HTTP/1.1 202 ")


@pytest.mark.usefixtures("no_leaks")
def test_without_descriptors_nothing_is_left_open(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(os, "pipe", refuse)
    with pytest.raises(OSError, match="Too many open files"):
        RuntimeApiTransport()


async def test_a_client_loads_serves_and_waits_again(it: Fixture) -> None:
    client = await waiting(it)
    for number in range(3):
        await served(it, client, f"id{number}")
        it.channel.finish()
        client.send(NEXT)
        assert await it.next() == ("answer", b'{"ok":true}')
        it.channel.reverted()


async def test_after_a_restore_the_next_event_comes_by_the_connection_of_the_snapshot(it: Fixture) -> None:
    client = await waiting(it)
    await served(it, client)
    other = await it.connect()
    it.channel.finish()
    other.send(NEXT)
    assert await it.next() == ("answer", b'{"ok":true}')
    it.channel.reverted()
    assert await read(other) == b"", "the request's own connection is ended"
    await served(it, client, "second")


async def test_a_client_that_waits_with_something_unread(it: Fixture) -> None:
    client = await it.connect()
    it.channel.expect()
    client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    client.send(NEXT)
    assert await it.next() == ("answer", b'{"ok":true}')
    it.channel.finish()
    kind, error = await it.next()
    assert kind == "broken"
    assert "has not read all" in str(error)


async def test_other_connections_end_before_the_snapshot(it: Fixture) -> None:
    other = await it.connect()
    other.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    await read(other)
    client = await waiting(it)
    assert await read(other) == b""
    await served(it, client)


@pytest.mark.parametrize("more", [b"G", NEXT])
async def test_what_is_written_behind_a_question(it: Fixture, more: bytes) -> None:
    client = await waiting(it)
    await served(it, client)
    it.channel.finish()
    client.send(NEXT + more)
    assert await it.next() == ("stray", more)
    with pytest.raises(ProtocolError, match="wrote to the Runtime API after it had asked"):
        it.channel.reverted()


async def test_what_is_written_while_it_is_restored(it: Fixture) -> None:
    client = await waiting(it)
    await served(it, client)
    it.channel.finish()
    client.send(NEXT)
    assert await it.next() == ("answer", b'{"ok":true}')
    client.send(b"G")
    with pytest.raises(ProtocolError, match="wrote to the Runtime API after it had asked"):
        it.channel.reverted()


async def test_nothing_is_answered_while_it_is_restored(it: Fixture) -> None:
    client = await waiting(it)
    await served(it, client)
    other = await it.connect()
    it.channel.finish()
    other.send(NEXT)
    assert await it.next() == ("answer", b'{"ok":true}')
    it.channel.reverting()
    client.send(b"GET /secret HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (await it.next())[0] == "stray"
    with pytest.raises(BlockingIOError):
        client.recv(1)
    with pytest.raises(ProtocolError, match="wrote to the Runtime API after it had asked"):
        it.channel.reverted()


async def test_a_restore_waits_until_all_has_come_to_the_process(it: Fixture) -> None:
    client = await it.connect()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    it.channel.expect()
    client.send(NEXT)
    await it.next()
    it.channel.finish()
    await it.next()
    it.deliver(b"1" * 100_000)
    other = await it.connect()
    other.send(post("invocation/id/response", b"1"))
    assert await it.next() == ("answer", b"1")
    it.channel.finish()
    other.send(NEXT)
    await asyncio.sleep(0.1)  # in which nothing is told
    assert it.told.events.empty()
    taken = b""
    while len(taken) < 100_000:
        taken += await read(client)
    assert await it.next() == ("answer", b'{"ok":true}')


async def test_a_client_that_ends_the_connection_of_its_snapshot(it: Fixture) -> None:
    client = await waiting(it)
    client.close()
    assert await it.next() == ("stray", b"")
    with pytest.raises(ProtocolError):
        it.channel.reverted()


async def test_before_its_snapshot_a_client_may_ask_again(it: Fixture) -> None:
    first = await it.connect()
    it.channel.expect()
    first.send(NEXT)
    await it.next()
    first.close()
    while it.channel.is_asked:  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0)
    second = await it.connect()
    it.deliver()
    second.send(NEXT)
    assert (await read(second)).endswith(b"{}")


async def test_answers_that_are_refused(it: Fixture) -> None:
    client = await waiting(it)
    it.deliver(request_id="new")
    await read(client)
    client.send(post("invocation/old/response", b"{}"))
    assert (await read(client)).startswith(b"HTTP/1.1 400 ")
    client.send(NEXT)
    assert (await read(client)).startswith(b"HTTP/1.1 403 ")
    client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (await read(client)).startswith(b"HTTP/1.1 404 ")
    client.send(post("invocation/new/response", b"1"))
    assert await it.next() == ("answer", b"1")
    await read(client)
    client.send(post("invocation/new/response", b"2"))
    assert (await read(client)).startswith(b"HTTP/1.1 403 ")
    assert it.told.events.empty()


@pytest.mark.parametrize("odd", ["", "a/b", "a b", "x" * 129])
async def test_an_id_that_cannot_be_in_a_path(it: Fixture, odd: str) -> None:
    client = await waiting(it)
    it.deliver(request_id=odd)
    found = re.search(rb"Aws-Request-Id: ([0-9a-f]{32})\r\n", await read(client))
    assert found
    client.send(post(f"invocation/{found[1].decode()}/response", b"{}"))
    assert await it.next() == ("answer", b"{}")


async def test_a_context_that_takes_more_of_a_stack_than_is_left(it: Fixture) -> None:
    await waiting(it)
    context = b',"client_context":' + b"[" * 100_000 + b"]" * 100_000
    future = asyncio.get_running_loop().create_future()
    it.channel.serve(Job(b"{}", context, False, None, 5.0, future))
    kind, error = await it.next()
    assert kind == "broken"
    assert isinstance(error, InvalidRequestError)


@pytest.mark.parametrize("last", ["HTTP/1.0", "Connection: close"])
async def test_a_connection_that_is_the_last_one_of_its_request(it: Fixture, last: str) -> None:
    if last == "HTTP/1.0":
        asked = NEXT.replace(b"HTTP/1.1", b"HTTP/1.0")
    else:
        asked = NEXT.replace(b"Host: x", b"Host: x\r\nConnection: close")
    for _ in range(2):
        client = await it.connect()
        client.send(asked)
        it.deliver()
        assert (await read(client)).endswith(b"{}")
        assert await read(client) == b""
        client = await it.connect()
        client.send(post("invocation/id/response", b"{}", "Connection: close\r\n"))
        assert await it.next() == ("answer", b"{}")
        assert (await read(client)).startswith(b"HTTP/1.1 202 ")
        assert await read(client) == b""


async def test_what_was_raised(it: Fixture) -> None:
    client = await waiting(it)
    it.deliver()
    await read(client)
    client.send(post("invocation/id/error", b'{"errorMessage":"why"}'))
    _, line = await it.next()
    answer = it.channel.answer(line)
    assert (answer.decode(answer.raw), answer.raised) == ({"errorMessage": "why"}, True)


async def test_an_answer_that_is_streamed(it: Fixture) -> None:
    client = await waiting(it)
    head = "Transfer-Encoding: chunked\r\nTrailer: Lambda-Runtime-Function-Error-Type\r\n"
    start = f"POST /2018-06-01/runtime/invocation/id/response HTTP/1.1\r\nHost: x\r\n{head}\r\n".encode()
    it.deliver()
    await read(client)
    client.send(start + b"3\r\none\r\n")
    client.send(b"3\r\ntwo\r\n0\r\n\r\n")
    _, line = await it.next()
    answer = it.channel.answer(line)
    assert (answer.decode(answer.raw), answer.raised) == ("onetwo", False)
    await read(client)
    client.send(NEXT)
    it.deliver()
    await read(client)
    body = base64.b64encode(b'{"errorMessage":"late"}')
    client.send(
        start
        + b"3\r\none\r\n0\r\nLambda-Runtime-Function-Error-Type: Oops\r\nLambda-Runtime-Function-Error-Body: "
        + body
        + b"\r\n\r\n"
    )
    answer = it.channel.answer((await it.next())[1])
    assert answer.raised
    assert answer.decode(answer.raw) == {"errorType": "Oops", "errorMessage": "late"}


async def test_an_answer_that_is_too_large(it: Fixture) -> None:
    client = await waiting(it)
    it.deliver()
    await read(client)
    client.send(post("invocation/id/response", bytes(1001)))
    kind, error = await it.next()
    assert kind == "broken"
    assert isinstance(error, PayloadTooLargeError)


async def test_who_waits_to_be_told_to_go_on(it: Fixture) -> None:
    client = await waiting(it)
    it.deliver()
    await read(client)
    whole = post("invocation/id/response", b"{}", "Expect: 100-continue\r\n")
    client.send(whole[:-2])
    assert (await read(client)).startswith(b"HTTP/1.1 100 ")
    client.send(whole[-2:])
    assert await it.next() == ("answer", b"{}")


async def test_nonsense(it: Fixture) -> None:
    client = await it.connect()
    client.send(b"morse\r\n\r\n")
    kind, error = await it.next()
    assert kind == "broken"
    assert "does not speak HTTP" in str(error)


async def test_one_that_does_not_load(it: Fixture) -> None:
    client = await it.connect()
    it.channel.expect()
    client.send(post("init/error", b'{"errorType":"ImportError","errorMessage":"no module"}'))
    _, line = await it.next()
    assert json.loads(line) == {"ok": False, "error": "ImportError: no module"}
    assert (await read(client)).startswith(b"HTTP/1.1 202 ")


async def test_one_that_is_told_of_each_restore(it: Fixture) -> None:
    client = await it.connect()
    it.channel.expect()
    client.send(RESTORE_NEXT)
    assert await it.next() == ("answer", b'{"ok":true,"hooks":true}')
    it.channel.finish()
    await it.next()
    for number in range(2):
        it.deliver(request_id=f"id{number}", hooks=True)
        assert (await read(client)).startswith(b"HTTP/1.1 200 ")
        client.send(NEXT)
        assert await it.next() == ("hooks done", None)
        assert f"Request-Id: id{number}\r\n".encode() in await read(client)
        client.send(post(f"invocation/id{number}/response", b"{}"))
        assert await it.next() == ("answer", b"{}")
        await read(client)
        client.send(NEXT)
        it.channel.finish()
        await it.next()
        it.channel.reverted()


async def test_hooks_that_run_at_once(it: Fixture) -> None:
    client = await it.connect()
    it.channel.expect()
    client.send(RESTORE_NEXT)
    await it.next()
    it.channel.run_hooks()
    await read(client)
    client.send(NEXT)
    await it.next()
    it.deliver()
    assert b"Request-Id: id\r\n" in await read(client)


async def test_hooks_that_fail(it: Fixture) -> None:
    client = await it.connect()
    it.channel.expect()
    client.send(RESTORE_NEXT)
    await it.next()
    it.deliver(hooks=True)
    await read(client)
    client.send(post("restore/error", b'{"errorType":"Oops","errorMessage":"no"}'))
    kind, error = await it.next()
    assert kind == "broken"
    assert isinstance(error, HookError)  # whose text is for the log alone
    assert str(error) == "a hook after the restore failed: Oops: no"


async def test_a_hook_that_fails_is_no_answer_to_an_event(it: Fixture) -> None:
    client = await it.connect()
    it.channel.expect()
    client.send(RESTORE_NEXT)
    await it.next()
    it.deliver(hooks=True)
    await read(client)
    head = post("restore/error", b"", "Transfer-Encoding: chunked\r\n").replace(b"Content-Length: 0\r\n", b"")
    client.send(head + b"0\r\nLambda-Runtime-Function-Error-Type: Oops\r\n\r\n")
    kind, _ = await it.next()
    assert kind == "broken"


async def test_an_event_that_is_answered_before_it_was_read(it: Fixture) -> None:
    client = await waiting(it)
    it.deliver(b'"%b"' % (b"x" * (16 << 20)))
    client.send(post("invocation/id/response", b"{}"))
    assert await it.next() == ("answer", b"{}")
    assert it.channel.cut_short


async def test_nobody_else_may_ask(it: Fixture, monkeypatch: pytest.MonkeyPatch) -> None:
    program = (
        "import socket, sys\n"
        "sock = socket.create_connection(('127.0.0.1', int(sys.argv[1])))\n"
        "try:\n"
        "    sock.sendall(bytes.fromhex(sys.argv[2]))\n"
        "    print(sock.recv(100))\n"
        "except OSError:\n"
        "    print(b'')\n"
    )
    port = it.transport.env["AWS_LAMBDA_RUNTIME_API"].partition(":")[2]
    asked = await asyncio.create_subprocess_exec(
        "python3", "-c", program, port, NEXT.hex(), stdout=asyncio.subprocess.PIPE
    )
    monkeypatch.setattr(family, "_family", lambda pid: [pid])  # it is a child of this process
    said, _ = await asyncio.wait_for(asked.communicate(), 30)
    assert said == b"b''\n"
    assert it.told.events.empty()


async def test_a_child_of_the_function_may_ask(it: Fixture) -> None:
    it.channel.expect()
    port = it.transport.env["AWS_LAMBDA_RUNTIME_API"].partition(":")[2]
    program = (
        "import socket, sys\n"
        "sock = socket.create_connection(('127.0.0.1', int(sys.argv[1])))\n"
        "sock.sendall(bytes.fromhex(sys.argv[2]))\n"
        "print(sock.recv(100)[:12])\n"
    )
    asked = await asyncio.create_subprocess_exec(
        "python3", "-c", program, port, NEXT.hex(), stdout=asyncio.subprocess.PIPE
    )
    assert await it.next() == ("answer", b'{"ok":true}')
    it.deliver()
    said, _ = await asyncio.wait_for(asked.communicate(), 30)
    assert said == b"b'HTTP/1.1 200'\n"


async def test_more_connections_than_a_client_needs(it: Fixture) -> None:
    sockets = [await it.connect() for _ in range(channel_module._MOST_CONNECTIONS + 1)]
    assert await read(sockets[-1]) == b""
    it.channel.expect()
    sockets[0].send(NEXT)
    assert await it.next() == ("answer", b'{"ok":true}')


async def test_the_log_does_not_tell_of_each_connection_that_is_refused(
    it: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel_module, "_is_family", lambda *_: False)
    with structlog.testing.capture_logs() as logs:
        for _ in range(20):
            assert await read(await it.connect()) == b""
    assert len(logs) == 1


async def test_many_requests_at_once_are_answered_in_turns(it: Fixture) -> None:
    client = await waiting(it)
    it.deliver()
    await read(client)
    wrong = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    turns = 0

    def count() -> None:
        nonlocal turns
        turns += 1
        if it.told.events.empty():
            asyncio.get_running_loop().call_soon(count)

    count()
    client.send(wrong * 2000 + post("invocation/id/response", b"1"))
    assert await it.next() == ("answer", b"1")
    assert turns > 20
    answers = b""
    while b"202" not in answers:
        answers += await read(client)
    assert answers.count(b"HTTP/1.1 404") == 2000


async def test_all_connections_together_have_one_turn(it: Fixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel_module, "_HANDLED_S", 0.0)
    client = await waiting(it)
    it.deliver()
    await read(client)
    turns = 0

    def count() -> None:
        nonlocal turns
        turns += 1
        if it.told.events.empty():
            asyncio.get_running_loop().call_soon(count)

    others = [await it.connect() for _ in range(20)]
    for other in others:
        other.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 5)
    count()
    for other in others:
        while (await read(other)).count(b"HTTP/1.1 404") == 0:
            pass
    client.send(post("invocation/id/response", b"1"))
    assert await it.next() == ("answer", b"1")
    assert turns >= 100


async def test_a_client_that_does_not_read_its_answers(it: Fixture) -> None:
    client = await waiting(it)
    it.deliver()
    await read(client)
    wrong = (b"GET /" + b"x" * 200 + b" HTTP/1.1\r\nHost: x\r\n\r\n") * 100
    rest = b""
    while it.told.events.empty():
        rest = rest or wrong
        with contextlib.suppress(BlockingIOError):
            rest = rest[client.send(rest) :]
        await asyncio.sleep(0)
    kind, error = await it.next()
    assert kind == "broken"
    assert "does not read the answers" in str(error)


async def test_what_is_written_behind_a_question_with_an_upgrade(it: Fixture) -> None:
    client = await waiting(it)
    await served(it, client)
    client.send(NEXT[:-2] + b"Upgrade: x\r\n\r\n")
    while not it.channel.is_asked:  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0)
    client.send(b"more")
    assert await it.next() == ("stray", b"more")


async def test_who_asks_in_a_way_that_cannot_be_answered(it: Fixture) -> None:
    client = await waiting(it)
    it.deliver()
    await read(client)
    client.send(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (await it.next())[0] == "broken"


async def test_an_event_is_sent_whole_before_its_connection_is_ended(it: Fixture) -> None:
    client = await it.connect()
    it.channel.expect()
    client.send(NEXT[:-2] + b"Connection: close\r\n\r\n")
    await it.next()
    it.deliver(b"1" * 6_000_000)
    taken = b""
    while piece := await read(client):
        taken += piece
    assert taken.endswith(b"\r\n\r\n" + b"1" * 6_000_000)


async def test_a_function_that_has_too_much_open_to_be_looked_through(
    it: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(family, "_MOST_LOOKS", 3)
    client = await it.connect()
    assert await read(client) == b""
