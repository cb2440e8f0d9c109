"""What every platform shares: bodies read up to a limit, strict JSON, answers that carry their length.

A request that cannot be served is a `Refusal`; `Refusing` turns it, and every error of a pool, into one JSON
answer ``{"error": "..."}`` that names the thing.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
from typing import TYPE_CHECKING, Any, TypeVar

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from groundhog import errors
from groundhog._log import log
from groundhog._threads import beside
from groundhog.platforms import bodies
from groundhog.platforms.targets import OPERATORS, decoded
from groundhog.protocols import json_text
from groundhog.protocols.actionloop import encode_value

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from groundhog.config import Reply
    from groundhog.pool import Pool
    from groundhog.protocols.json_text import JsonLine
    from groundhog.worker import Job

    Endpoint = Callable[[Request], Awaitable[Response]]

_T = TypeVar("_T")

MIB = 1024 * 1024
LEAST_TIMEOUT_S = 0.01
"""What a caller may ask for: less would only kill a process."""
ENDING = "the server is ending: send it again"
CUT_OFF = "the server ended before the answer came: the function may have run"
RETRY_SOON = {"retry-after": "1"}
_LARGE = 64 * 1024
"""Bytes of JSON that take longer to look through than a thread takes to wake."""
_BODIES = bodies.Bodies()
"""Of all platforms in this process: its memory is one."""


class Refusal(Exception):  # noqa: N818  (an answer, not a failure of ours)
    """A request answered with an error status.

    Args:
        status: the HTTP status.
        message: what was wrong, naming the thing; it becomes the answer's ``error``.
        headers: further headers of the answer.
    """

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = dict(headers or {})


class JsonAnswer(Response):
    """An answer whose body is JSON, with its length: chunked answers count as none on some platforms."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Encode a JSON value; bytes are JSON already."""
        return content if isinstance(content, bytes) else encode(content)


def encode(value: Any) -> bytes:
    """Encode a JSON value compactly; what UTF-8 cannot carry (half a surrogate pair) stays escaped."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    try:
        return text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":"), allow_nan=False).encode()


def refusal(status: int, message: str, headers: Mapping[str, str] | None = None) -> JsonAnswer:
    """Return the answer of a request that is refused."""
    return JsonAnswer({"error": message}, status, headers)


async def read_body(request: Request, limit: int, timeout_s: float) -> bytes:
    """Read the whole body of a request.

    Args:
        request: the request.
        limit: the most bytes that are read.
        timeout_s: how long it may take to come, in seconds.

    Raises:
        Refusal: 413, as soon as the body is known to be longer; 408, when it takes too long; 429, when those
            of others take all the room there is; 503, when the server ends meanwhile. What follows is not
            read.
    """
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - a coroutine runs in a task
    late = False

    def give_up() -> None:
        nonlocal late
        late = True
        task.cancel()

    # As `asyncio.wait_for`, which older versions of Python do in a task of its own, for every request.
    timer = asyncio.get_running_loop().call_later(timeout_s, give_up)
    try:
        return await _whole_body(request, limit)
    except asyncio.CancelledError:
        if late:
            what = f"the body of the request did not come within {timeout_s:g} s"
            raise Refusal(408, what, {"connection": "close"}) from None
        raise Refusal(503, ENDING, RETRY_SOON) from None
    finally:
        timer.cancel()


async def _whole_body(request: Request, limit: int) -> bytes:
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        raise Refusal(413, f"the request has {declared} bytes, more than the limit of {limit}")
    chunks = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise Refusal(413, f"the request has more bytes than the limit of {limit}")
        if not _BODIES.hold(request.scope, size):
            what = "the bodies of other requests take all the room there is for them; try again later"
            raise Refusal(429, what, {"connection": "close", **RETRY_SOON})
        chunks.append(chunk)
    return b"".join(chunks)


def outlasting(request: Request) -> Callable[[], None]:
    """Have the body of a request that is answered before it is served take room until then: call what is
    returned.
    """
    return _BODIES.hand_over(request.scope)


async def reply_to(request: Request, pool: Pool, job: Job) -> Reply:
    """Wait for the reply to a request that the pool has been asked.

    When the client goes away while it waits in the queue, it is withdrawn; one that runs runs on.

    Raises:
        ClientDisconnect: it was withdrawn.
        GroundhogError: what the pool says instead.
    """
    return await outcome(request, pool, job, job.future)


async def outcome(request: Request, pool: Pool, job: Job, awaited: asyncio.Future[_T]) -> _T:
    """Wait for something of a request that the pool has been asked, likewise."""
    if not pool.waits(job):
        return await awaited
    watching = asyncio.ensure_future(_disconnected(request))
    watching.add_done_callback(lambda _: pool.withdraw(job))
    try:
        return await awaited
    except asyncio.CancelledError:
        if watching.done():
            raise ClientDisconnect from None
        raise
    finally:
        watching.cancel()


async def _disconnected(request: Request) -> None:
    """Return when the client has gone away; its request has been read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def looked_through(look: Callable[[bytes], _T], body: bytes) -> _T:
    """Look through a body of JSON; a large one is looked through by a thread, and the event loop goes on.

    Args:
        look: one of `groundhog.protocols.json_text`.
        body: what a caller has sent.

    Raises:
        Refusal: 400, saying where the text stops being JSON.
    """
    try:
        if len(body) < _LARGE:
            return look(body)
        return await asyncio.wrap_future(beside(look, body))
    except RecursionError:
        raise Refusal(400, "the body is nested too deeply") from None
    except ValueError as error:
        what = (
            f"the body is not JSON: {error}"
            if body.strip()
            else "the body is empty: send a JSON object, such as {}"
        )
        raise Refusal(400, what) from None


async def arguments(body: bytes, limit: int) -> JsonLine:
    """Check that a body is arguments of a function, an object or an array, and return it ready to be sent.

    Raises:
        Refusal: 400 if it is anything else; 413 if it is too large in the form in which it is sent.
    """
    kind, line = await looked_through(_kind_and_line, body)
    if kind == "scalar":
        raise Refusal(400, "the body is JSON, but not an object or an array: arguments have names")
    return encoded(line, limit)


def _kind_and_line(body: bytes) -> tuple[str, JsonLine]:
    return json_text.kind(body), json_text.line(body)


def encoded(value: Any, limit: int) -> JsonLine:
    """Return arguments in the form in which they are sent.

    Raises:
        Refusal: 413 if they are too large in that form.
        InvalidRequestError: they have none, as numbers beyond all floats.
    """
    try:
        return encode_value(value, limit)
    except errors.PayloadTooLargeError as error:
        raise Refusal(413, str(error)) from None


def parse_timeout(text: str | None, limit: float) -> float:
    """Return the seconds that a request may take.

    Args:
        text: what the caller asks for, in seconds; ``None`` if nothing.
        limit: the most that is allowed, which is also the default.

    Raises:
        Refusal: 400 if the text is no such number.
    """
    if text is None:
        return limit
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds >= LEAST_TIMEOUT_S):
        raise Refusal(400, f"X-Timeout is {text!r}: give a number of seconds, from {LEAST_TIMEOUT_S} on")
    return min(seconds, limit)


def single_header(request: Request, name: str) -> str | None:
    """Return the value of a header that must not be ambiguous; ``None`` if it is missing.

    Raises:
        Refusal: 400 if it is there twice: two trust domains in one request is none.
    """
    values = request.headers.getlist(name)
    if len(values) > 1:
        raise Refusal(400, f"the header {name} is there {len(values)} times: send it once")
    return values[0] if values else None


_PROCESS_ID = re.compile(r"\b(process) \d+")
"""Of a message: how many processes this machine starts is nothing for callers."""

# The first row that fits decides, so the narrow classes come first.
_STATUS: tuple[tuple[type[errors.GroundhogError], int, Mapping[str, str] | None], ...] = (
    (errors.OverloadedError, 429, RETRY_SOON),
    (errors.CutOffError, 503, None),
    (errors.PoolClosedError, 503, RETRY_SOON),
    (errors.FunctionTimeoutError, 504, None),
    (errors.InvalidRequestError, 400, None),
    # A function that exits, breaks its protocol, or answers more than it may. A request that is too large
    # has been refused before it came to the pool.
    (errors.InvocationError, 502, None),
)


def of_error(error: errors.GroundhogError) -> JsonAnswer:
    """Return the answer for an error of the pool; what is no fault of the request is 503: no clean worker.

    Why a process does not start, or a hook fails, is told to the log alone: what was raised while a function
    loaded, or renewed its connections, with names of services and passwords, and paths of this machine, is
    nothing that a caller has caused.
    """
    if isinstance(error, errors.HookError):
        return refusal(502, "a hook after the restore failed; the log of groundhog says why")
    for kind, status, headers in _STATUS:
        if isinstance(error, kind):
            return refusal(status, _PROCESS_ID.sub(r"\1", str(error)), headers)
    return refusal(503, "no clean worker: no process starts; the log of groundhog says why", RETRY_SOON)


def _check_framing(request: Request) -> None:
    """Refuse a request that says twice, in two ways, where it ends.

    Whoever passed it on may have believed the other one. What follows is then no request of its own, and its
    answer would go to the next client on that connection: RFC 9112, section 6.1.
    """
    if "transfer-encoding" in request.headers and "content-length" in request.headers:
        what = "the request has both a Transfer-Encoding and a Content-Length: send one of them"
        raise Refusal(400, what, {"connection": "close"})


class Refusing:
    """An ASGI endpoint around a coroutine: its refusals and the pool's errors become answers.

    Args:
        endpoint: takes the request, returns the answer.
        methods: the HTTP methods it takes; others get 405. None: it takes all.
        translate: the answer for an error of the pool.
        refuse: makes the answer of a request that is refused.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        methods: tuple[str, ...] | None = ("GET",),
        translate: Callable[[errors.GroundhogError], Response] = of_error,
        refuse: Callable[[int, str, Mapping[str, str] | None], Response] = refusal,
    ) -> None:
        self._endpoint = endpoint
        self._methods = methods
        self._translate = translate
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request = Request(scope, receive)
        try:
            _check_framing(request)
            self._check_method(request)
            answer = await self._endpoint(request)
        except Refusal as error:
            answer = self._refuse(error.status, error.message, error.headers)
        except errors.GroundhogError as error:
            answer = self._translate(error)
        except ClientDisconnect:
            return
        except asyncio.CancelledError:  # the server ends, and with it what keeps it from ending
            answer = self._refuse(503, CUT_OFF, None)
        except Exception:  # noqa: BLE001  (logged with its traceback)
            # The text of an unforeseen error may hold the data of a request: it goes to our log alone.
            log.exception("request failed", path=request.url.path)
            answer = self._refuse(500, "internal error: see the log of groundhog", None)
        finally:
            _BODIES.release(scope)
        await answer(scope, receive, send)

    def _check_method(self, request: Request) -> None:
        if self._methods is not None and request.method not in self._methods:
            allowed = ", ".join(self._methods)
            raise Refusal(405, f"{request.method} {request.url.path}: only {allowed}", {"allow": allowed})


_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_AUTHORITY = re.compile(rb"https?://(?:[^/@]*@)?([^/@]*)", re.IGNORECASE)


class _OriginForm:
    """ASGI middleware: a target with an authority, as proxies are sent, is served as its path.

    Args:
        application: is told of the path alone, and of the authority as the Host, whatever the caller sent as
            that: RFC 9112, section 3.2.2.
    """

    def __init__(self, application: ASGIApp) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        target = scope["raw_path"] if scope["type"] == "http" and scope.get("raw_path") else b""
        if found := _AUTHORITY.match(target):
            raw_path = target[found.end() :] or b"/"
            headers = [(b"host", found[1]), *(each for each in scope["headers"] if each[0] != b"host")]
            scope = {**scope, "raw_path": raw_path, "path": decoded(raw_path), "headers": headers}
        await self._application(scope, receive, send)


async def _not_found(request: Request) -> Response:
    """Answer a path that nobody serves. ``OPTIONS *`` asks whether there is a server: RFC 9110, 9.3.7."""
    if request.method == "OPTIONS" and request.scope["path"] == "*":
        return Response(status_code=204)
    raise Refusal(404, f"nothing is served at {request.url.path}")


class _Counting:
    """ASGI middleware: tells the status of each answer, or "gone" where the client left before there was one.

    Args:
        application: is asked.
        tell: is told. What operators ask is not counted.
    """

    def __init__(self, application: ASGIApp, tell: Callable[[str], None]) -> None:
        self._application = application
        self._tell = tell

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["path"].startswith(OPERATORS):
            await self._application(scope, receive, send)
            return
        status = "gone"

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        try:
            await self._application(scope, receive, noting)
        finally:
            self._tell(status)


class _Application(Starlette):
    """Asks an endpoint at once where nothing has to be found out.

    Args:
        routes: what is served.
        fallback: answers all else.
        tell: is told the status of each answer.
    """

    def __init__(self, routes: Sequence[Route], fallback: Refusing, tell: Callable[[str], None]) -> None:
        super().__init__(
            routes=[*routes, Route("/{path:path}", fallback)],
            middleware=[Middleware(_OriginForm), Middleware(_Counting, tell=tell)],
        )
        self.router.default = fallback  # of targets that are no path
        self._direct = {
            route.path: _Counting(route.endpoint, tell)
            for route in routes
            if isinstance(route.endpoint, Refusing) and not route.param_convertors
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        found = self._direct.get(scope["path"]) if scope["type"] == "http" else None
        await (found or super().__call__)(scope, receive, send)


def application(routes: Sequence[Route], tell: Callable[[str], None]) -> Starlette:
    """Return the ASGI application of these routes; every other target is refused as they refuse. ``tell`` is
    told the status of each answer.
    """
    return _Application(routes, Refusing(_not_found, _METHODS), tell)
