"""Plain HTTP in front of a function that is a server of HTTP itself: requests and answers pass through.

Every path but those of operators, ``/_/...``, is the function's. A request is handed over whole, with
``X-Forwarded-For``, ``-Host`` and ``-Proto``; its answer is passed on as it comes, and the process is
reverted when it is complete. What is refused is answered by JSON, as `groundhog.platforms.http` does it, with
the same statuses; besides, 501 says that a protocol such as WebSocket was asked for, of which a connection
would outlive the request. An answer that breaks off in the middle ends the connection.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

from starlette.responses import Response
from starlette.routing import Route

from groundhog import errors
from groundhog._log import log
from groundhog.platforms import answers, operations, request_log
from groundhog.platforms.answers import Refusal, Refusing, parse_timeout, read_body, single_header
from groundhog.platforms.targets import OPERATORS
from groundhog.protocols import http_message

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

    from groundhog.config import Limits, Reply
    from groundhog.platforms.metrics import Metrics
    from groundhog.platforms.neighbours import Neighbours
    from groundhog.pool import Pool
    from groundhog.worker import Job

_OURS = frozenset({b"date"})
"""Of an answer: the server of callers says it."""
_LENGTH = frozenset({b"content-length"})
"""Of an answer without a body: whoever believes it waits for one. See RFC 9110, section 8.6."""
_WITHOUT_BODY = frozenset({204, 304})
_SERVER_ERROR = 500
_MOST_UNTAKEN = 512 * answers.MIB
"""Bytes of answers that have come, and that callers have not taken, of all together. What their connections
have in their buffers is counted there.
"""


def application(
    pool: Pool,
    metrics: Metrics,
    limits: Limits,
    *,
    domain_header: str | None = None,
    neighbours: Neighbours | None = None,
    operators: Neighbours | None = None,
    info: Mapping[str, Any] | None = None,
) -> Starlette:
    """Return the ASGI application that serves a pool; see `groundhog.platforms.http.application`."""

    async def call(request: Request) -> Response:
        if neighbours is not None:
            await neighbours.check(request)
        _check(request)
        timeout = parse_timeout(single_header(request, "X-Timeout"), limits.timeout_s)
        domain = _domain(request, domain_header) if domain_header else None
        forwarded = await _forwarded(request, limits, domain_header)
        activation_id = os.urandom(16).hex()
        job: Job | None = None
        sink = _Sink(untaken)
        try:
            job = pool.forward(forwarded, sink, domain, timeout)
            del forwarded  # its body is in what will be sent
            job.future.add_done_callback(sink.on_end)
            await answers.outcome(request, pool, job, sink.begun)
        except errors.GroundhogError as error:
            request_log.failed(activation_id, error, job)
            raise
        return _Forwarded(sink, job, activation_id)

    untaken = _Untaken(_MOST_UNTAKEN)
    metrics.watch(pool.stats)
    return answers.application(
        [
            *operations.routes(lambda: pool, metrics, info or {}, operators),
            Route("/{path:path}", Refusing(call, None), name="function"),
        ],
        metrics.on_answer,
    )


class _Untaken:
    """Counts what has come for callers who take it slowly. Where that is too much, those whose answers began
    first give way.

    Args:
        most: bytes, of all together.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._total = 0
        self._of: dict[_Sink, int] = {}

    def add(self, sink: _Sink, size: int) -> None:
        """So many bytes more are there for a caller, or less."""
        self._total += size
        self._of[sink] = self._of.get(sink, 0) + size
        while self._total > self._most:
            next(first for first, left in self._of.items() if left).give_up()

    def forget(self, sink: _Sink) -> None:
        """Its answer has ended."""
        self._total -= self._of.pop(sink, 0)


class _Sink:
    """What has come of an answer."""

    def __init__(self, untaken: _Untaken) -> None:
        self.begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """It has, or there will be none: then with the error."""
        self.status = 0
        self.headers: http_message.Headers = ()
        self.parts: asyncio.Queue[bytes | None] = asyncio.Queue()
        """Those of its body; None: nothing more comes."""
        self.given_up = False
        self._untaken = untaken

    def head(self, status: int, headers: http_message.Headers) -> None:
        self.status = status
        left_out = _OURS | _LENGTH if status in _WITHOUT_BODY else _OURS
        self.headers = http_message.passed_on(headers, left_out)
        if not self.begun.done():
            self.begun.set_result(None)

    def is_chunked(self, method: str) -> bool:
        """Whether it has a body whose length it does not say."""
        if method == "HEAD" or self.status in _WITHOUT_BODY:
            return False
        return all(name != b"content-length" for name, _ in self.headers)

    def data(self, data: bytes) -> None:
        if not self.given_up:
            self._untaken.add(self, len(data))
            self.parts.put_nowait(data)

    async def part(self) -> bytes | None:
        """The next one; None: nothing more comes."""
        part = await self.parts.get()
        if part is not None:
            self._untaken.add(self, -len(part))
        return part

    def give_up(self) -> None:
        """The rest is for nobody."""
        self.given_up = True
        self._untaken.forget(self)
        while not self.parts.empty():
            self.parts.get_nowait()
        self.parts.put_nowait(None)

    def on_end(self, future: asyncio.Future[Reply]) -> None:
        self.parts.put_nowait(None)
        if self.begun.done():
            return
        if future.cancelled():
            self.begun.cancel()
        else:
            failed = future.exception()
            assert failed is not None  # noqa: S101 - else its head had come
            self.begun.set_exception(failed)


class _Forwarded(Response):
    """The function's answer, sent as it comes."""

    def __init__(self, sink: _Sink, job: Job, activation_id: str) -> None:
        super().__init__()
        self._sink = sink
        self._job = job
        self._activation_id = activation_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it. Where it breaks off, nothing more comes, which ends the caller's connection."""
        sink = self._sink
        try:
            if scope["http_version"] == "1.0" and sink.is_chunked(scope["method"]):
                await self._pass_on_whole(scope, receive, send)
            else:
                await self._pass_on(sink, send)
        finally:  # the caller may have gone
            sink.give_up()

    async def _pass_on_whole(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it with its length, as the caller knows no chunks: RFC 9112, section 6.1."""
        parts = []
        while (part := await self._sink.parts.get()) is not None:  # each counts until all is sent
            parts.append(part)
        if self._sink.given_up:
            log.warning("a caller who took its answer too slowly was left", activation_id=self._activation_id)
            return
        try:
            self._log(await self._job.future)
        except errors.GroundhogError as error:
            request_log.failed(self._activation_id, error, self._job)
            await answers.of_error(error)(scope, receive, send)
            return
        body = b"".join(parts)
        headers = [*map(list, self._sink.headers), [b"content-length", b"%d" % len(body)]]
        await send({"type": "http.response.start", "status": self._sink.status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    def _log(self, reply: Reply) -> None:
        failed = self._sink.status >= _SERVER_ERROR
        if failed or reply.stdout or reply.stderr:
            request_log.replied(self._activation_id, reply, failed=failed)

    async def _pass_on(self, sink: _Sink, send: Send) -> None:
        await send(
            {"type": "http.response.start", "status": sink.status, "headers": [*map(list, sink.headers)]}
        )
        while (part := await sink.part()) is not None:
            await send({"type": "http.response.body", "body": part, "more_body": True})
        if sink.given_up:
            log.warning("a caller who took its answer too slowly was left", activation_id=self._activation_id)
            return
        try:
            self._log(await self._job.future)
        except errors.GroundhogError as error:
            request_log.failed(self._activation_id, error, self._job)
            return
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _check(request: Request) -> None:
    """Refuse what is not the function's, and what would make another thing of the connection.

    Raises:
        Refusal: 404, or 501.
    """
    if request.url.path.startswith(OPERATORS):
        raise Refusal(404, f"nothing is served at {request.url.path}")
    upgrade = request.headers.get("upgrade", "")
    if upgrade.strip().lower() == "websocket":
        what = (
            "WebSocket is not served: the process is reverted after each request, which such a connection"
            " would outlive"
        )
        raise Refusal(501, what)
    if request.method == "CONNECT":
        raise Refusal(501, "CONNECT is not served: this is no proxy")


def _domain(request: Request, name: str) -> str | None:
    """The trust domain that a header tells.

    Raises:
        Refusal: 400 where a function may be told of another one.
    """
    told = name.lower()
    for other in request.headers:
        if other != told and _as_variable(other) == _as_variable(told):
            what = (
                f"the header {other} is the same as {name} to programs that take one of - . _ for another:"
                " send only that"
            )
            raise Refusal(400, what)
    return single_header(request, name) or None


def _as_variable(name: str) -> str:
    """The name of a header as CGI has it (RFC 3875, section 4.1.18), PHP, and who takes yet more for _."""
    return "".join(letter if letter.isalnum() else "_" for letter in name)


async def _forwarded(request: Request, limits: Limits, domain_header: str | None) -> http_message.Request:
    """What the function gets.

    Raises:
        Refusal: see `read_body`.
    """
    body = await read_body(request, limits.request_bytes, limits.timeout_s)
    scope = request.scope
    target = scope["raw_path"] or b"/"
    if scope["query_string"]:
        target += b"?" + scope["query_string"]
    # Before anything is added: which headers are those of its connection is the caller's to say of its own.
    kept = frozenset({domain_header.lower().encode()} if domain_header else ())
    headers = list(http_message.passed_on(scope["headers"], kept=kept))
    came_by = [value for name, value in headers if name == b"x-forwarded-for"]
    if scope["client"] is not None:
        came_by.append(scope["client"][0].encode())
    headers = [header for header in headers if header[0] != b"x-forwarded-for"]
    if came_by:
        headers.append((b"x-forwarded-for", b", ".join(came_by)))
    named = dict(headers)
    if b"x-forwarded-proto" not in named:
        headers.append((b"x-forwarded-proto", scope["scheme"].encode()))
    if b"x-forwarded-host" not in named and b"host" in named:
        headers.append((b"x-forwarded-host", named[b"host"]))
    if b"host" not in named:  # HTTP/1.0 has none
        headers.insert(0, (b"host", b"localhost"))
    return http_message.Request(request.method.encode(), target, tuple(headers), body)
