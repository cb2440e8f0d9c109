"""The way in which AWS Lambda's clients call a function: ``POST /2015-03-31/functions/NAME/invocations``, or
``POST /2021-11-15/functions/NAME/response-streaming-invocations``, which is answered in events.

| status | when |
| --- | --- |
| 200 | the function answered, or it failed: then with the header ``X-Amz-Function-Error`` |
| 202 | with ``X-Amz-Invocation-Type: Event``: it is going to be called |
| 204 | with ``X-Amz-Invocation-Type: DryRun``: it could be |
| 400 | the event is not JSON, or a header makes no sense |
| 403 | with trust domains: a function may have asked its own server (`groundhog.platforms.neighbours`) |
| 404 | there is no function of that name |
| 413 | the event is larger than the limit |
| 429 | the queue is full |
| 503 | there is no clean worker, or the server is closing |

Every error has its type in the header ``X-Amzn-ErrorType`` and a message in its body, as clients expect.

See https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import uuid
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from starlette.responses import Response
from starlette.routing import Route

from groundhog import errors
from groundhog.platforms import answers, operations, request_log
from groundhog.platforms.answers import Refusal, Refusing, encoded, looked_through, read_body, single_header
from groundhog.protocols import event_stream, json_text
from groundhog.protocols.runtime_api import parse_response

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.applications import Starlette
    from starlette.requests import Request

    from groundhog.config import Limits, Reply
    from groundhog.platforms.metrics import Metrics
    from groundhog.platforms.neighbours import Neighbours
    from groundhog.pool import Pool
    from groundhog.protocols.json_text import JsonLine
    from groundhog.worker import Job

INVOCATIONS = "/2015-03-31/functions/{name}/invocations"
STREAMS = "/2021-11-15/functions/{name}/response-streaming-invocations"
TENANT = "X-Amz-Tenant-Id"
MOST_EVENT = 6 * 1024 * 1024
"""Bytes: AWS's limit."""
EMULATED = "function"
"""The name by which AWS's own emulator knows the one function that it runs."""
_ACCOUNT = "012345678912"
_TAIL = 4096
"""Bytes of what was printed, for who asks for them."""
_LONGEST_CONTEXT = 3583
"""Bytes of a client's context in base64: AWS's limit."""
_LONGEST_TOLD = 2048
"""Characters of another header for the function: clients take no more than 16 KiB of headers, as Node."""
_TOLD = re.compile(rf"[ -~]{{1,{_LONGEST_TOLD}}}")
"""What comes to it unchanged. Without what has no place in a header, two tenants would have one name."""
_MOST_NESTED = 100
"""Objects and arrays in it: whoever takes it apart once more may have less of a stack left for them."""
_NAME = re.compile(r"(?:arn:[^:]*:lambda:[^:]*:\d*:function:|\d*:function:|\d+:)?([^:]+)(?::[^:]+)?")
_UNHANDLED = {"x-amz-function-error": "Unhandled"}
_KINDS = {
    400: "InvalidRequestContentException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    405: "UnsupportedMediaTypeException",
    408: "RequestTimeoutException",
    413: "RequestTooLargeException",
    429: "TooManyRequestsException",
}


def application(
    pool: Pool,
    metrics: Metrics,
    limits: Limits,
    *,
    region: str,
    domain_header: str | None = TENANT,
    neighbours: Neighbours | None = None,
    operators: Neighbours | None = None,
    info: Mapping[str, Any] | None = None,
) -> Starlette:
    """Return the ASGI application that serves a pool. It neither starts nor closes the pool.

    Args:
        pool: the workers of one function that speaks the Runtime API.
        metrics: the observer that was given to the pool.
        limits: the limits that were given to the pool.
        region: the one in the function's name.
        domain_header: the name of the header that carries the caller's trust domain; a request without it
            is a domain of its own.
        neighbours: refuses callers on this machine that may be functions; None: nobody is refused.
        operators: refuses them where it is told what requests did.
        info: what ``/_/info`` says about the function.
    """
    function = _Function(pool, limits, region, domain_header)

    async def invoke(request: Request) -> Response:
        if neighbours is not None:
            await neighbours.check(request)
        return await function.invoke(request)

    async def stream(request: Request) -> Response:
        if neighbours is not None:
            await neighbours.check(request)
        return await function.stream(request)

    metrics.watch(pool.stats)
    return answers.application(
        [
            Route(INVOCATIONS, Refusing(invoke, ("POST",), refuse=_refusal)),
            Route(STREAMS, Refusing(stream, ("POST",), refuse=_refusal)),
            *operations.routes(lambda: pool, metrics, info or {}, operators),
        ],
        metrics.on_answer,
    )


class _Function:
    """The one that is served."""

    def __init__(self, pool: Pool, limits: Limits, region: str, domain_header: str | None) -> None:
        self._pool = pool
        self._limits = limits
        self._domain_header = domain_header or TENANT
        self._arn = f"arn:aws:lambda:{region}:{_ACCOUNT}:function:{pool.function.name}"
        self._background: set[asyncio.Task[None]] = set()

    async def invoke(self, request: Request) -> Response:
        """Call it, or begin to."""
        self._check_name(request.path_params["name"])
        kind = _kind(request)
        request_id = str(uuid.uuid4())
        told = {"x-amzn-requestid": request_id}
        tenant = _told(request, self._domain_header)
        context = self._context(request, request_id, tenant)
        most = self._limits.request_bytes
        event = await _event(await read_body(request, most, self._limits.timeout_s), most)
        if kind == "DryRun":
            return Response(status_code=204, headers=told)
        job: Job | None = None
        try:
            job = self._pool.submit(event, tenant, None, context)
            if kind == "Event":
                self._leave(job, request_id, answers.outlasting(request))
                return Response(status_code=202, headers=told)
            reply = await answers.reply_to(request, self._pool, job)
        except errors.GroundhogError as error:
            request_log.failed(request_id, error, job)
            return _failure(error, request_id, self._limits, told)
        _log(request_id, reply)
        told["x-amz-executed-version"] = "$LATEST"
        if reply.raised:
            told |= _UNHANDLED
        if (single_header(request, "X-Amz-Log-Type") or "").lower() == "tail":
            told["x-amz-log-result"] = _tail(reply.stdout + reply.stderr)
        return answers.JsonAnswer(reply.raw, 200, told)

    async def stream(self, request: Request) -> Response:
        """Call it, and answer in events: all at once, when it has."""
        answer = await self.invoke(request)
        if answer.status_code != 200:  # noqa: PLR2004 - it was begun only, or refused
            return answer
        body, headers = bytes(answer.body), answer.headers
        complete = {}
        if "x-amz-function-error" in headers:
            raised = parse_response(body)
            kind = raised.get("errorType") if isinstance(raised, dict) else None
            complete = {"ErrorCode": kind or "Unhandled", "ErrorDetails": body.decode("utf-8", "replace")}
            body = b""
        if "x-amz-log-result" in headers:
            complete["LogResult"] = headers["x-amz-log-result"]
        told = {"x-amzn-requestid": headers["x-amzn-requestid"], "x-amz-executed-version": "$LATEST"}
        chunk = event_stream.event("PayloadChunk", "application/octet-stream", body) if body else b""
        end = event_stream.event("InvokeComplete", "application/json", json.dumps(complete).encode())
        return Response(chunk + end, 200, told, event_stream.CONTENT_TYPE)

    def _check_name(self, asked: str) -> None:
        ours = self._pool.function.name
        found = _NAME.fullmatch(asked)
        if found is None or found[1] not in {ours, EMULATED}:
            raise Refusal(404, f"there is no function {asked}: this is {ours}")

    def _context(self, request: Request, request_id: str, tenant: str | None) -> dict[str, Any]:
        context = {
            "activation_id": request_id,
            "function_arn": self._arn,
            "trace_id": _told(request, "X-Amzn-Trace-Id") or _trace_id(),
        }
        if tenant is not None:
            context["tenant_id"] = tenant
        client_context = single_header(request, "X-Amz-Client-Context")
        if client_context:
            context["client_context"] = _client_context(client_context)
        return context

    def _leave(self, job: Job, request_id: str, release: Callable[[], None]) -> None:
        """Nobody waits for it but the log. ``release``: its event takes no room any more."""
        job.future.add_done_callback(lambda _: release())
        task = asyncio.ensure_future(_waited_for(job, request_id))
        self._background.add(task)
        task.add_done_callback(self._background.discard)


def _told(request: Request, name: str) -> str | None:
    """A header that the function is told of as it is; None if there is nothing in it."""
    value = single_header(request, name)
    if value and not _TOLD.fullmatch(value):
        raise Refusal(400, f"{name} is not of up to {_LONGEST_TOLD} printable characters of ASCII")
    return value or None


def _kind(request: Request) -> str:
    kind = single_header(request, "X-Amz-Invocation-Type") or "RequestResponse"
    if kind not in {"RequestResponse", "Event", "DryRun"}:
        raise Refusal(400, f"X-Amz-Invocation-Type is {kind!r}: RequestResponse, Event or DryRun")
    return kind


async def _waited_for(job: Job, request_id: str) -> None:
    """Log how a call ended that nobody waits for."""
    try:
        _log(request_id, await job.future)
    except errors.GroundhogError as error:
        request_log.failed(request_id, error, job)


def _log(request_id: str, reply: Reply) -> None:
    if reply.raised or reply.stdout or reply.stderr:
        request_log.replied(request_id, reply, failed=reply.raised)


async def _event(body: bytes, limit: int) -> JsonLine:
    """The event in a body, which may be any JSON; none is an empty object."""
    if not body.strip():
        return json_text.line(b"{}")
    return encoded(await looked_through(_line, body), limit)


def _line(body: bytes) -> JsonLine:
    json_text.kind(body)
    return json_text.line(body)


def _client_context(text: str) -> Any:
    try:
        if len(text) > _LONGEST_CONTEXT:
            raise Refusal(400, f"X-Amz-Client-Context has more than {_LONGEST_CONTEXT} bytes")
        decoded = base64.b64decode(text, validate=True)
        value = json.loads(decoded)
    except (ValueError, RecursionError):
        raise Refusal(400, "X-Amz-Client-Context is not JSON in base64") from None
    if decoded.count(b"[") + decoded.count(b"{") > _MOST_NESTED:
        raise Refusal(400, f"X-Amz-Client-Context has more than {_MOST_NESTED} objects and arrays")
    return value


def _trace_id() -> str:
    now = int(datetime.now(timezone.utc).timestamp())
    return f"Root=1-{now:08x}-{uuid.uuid4().hex[:24]};Sampled=0"


def _tail(printed: str) -> str:
    return base64.b64encode(printed.encode("utf-8", "replace")[-_TAIL:]).decode("ascii")


def _failure(error: errors.GroundhogError, request_id: str, limits: Limits, told: dict[str, str]) -> Response:
    """The answer to a call that came to none: of a function that failed, or of us."""
    found = _of_function(error, request_id, limits)
    if found is None:
        answer = answers.of_error(error)
        return _refusal(
            answer.status_code, json.loads(bytes(answer.body))["error"], {**told, **_retry(answer)}
        )
    kind, message = found
    return answers.JsonAnswer({"errorType": kind, "errorMessage": message}, 200, {**told, **_UNHANDLED})


def _of_function(error: errors.GroundhogError, request_id: str, limits: Limits) -> tuple[str, str] | None:
    """The type and message by which AWS tells of a function that failed without a word; None: it is not that.

    Why a function does not start is for the log alone, see `answers.of_error`.
    """
    if isinstance(error, errors.FunctionTimeoutError):
        now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
        return "Sandbox.Timedout", f"{now}Z {request_id} Task timed out after {limits.timeout_s:.2f} seconds"
    if isinstance(error, errors.FunctionExitedError):
        return "Runtime.ExitError", f"RequestId: {request_id} Error: Runtime exited before it answered"
    if isinstance(error, errors.PayloadTooLargeError):
        return (
            "Function.ResponseSizeTooLarge",
            f"Response payload size exceeded maximum allowed payload size ({limits.result_bytes} bytes).",
        )
    if isinstance(error, errors.ProtocolError | errors.HookError):
        return "Runtime.Unknown", f"RequestId: {request_id} Error: the runtime broke the protocol"
    if isinstance(error, errors.InitError):
        return "Runtime.InitError", f"RequestId: {request_id} Error: the function does not start; see its log"
    return None


def _retry(answer: Response) -> dict[str, str]:
    when = answer.headers.get("retry-after")
    return {} if when is None else {"retry-after": when}


def _refusal(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    kind = _KINDS.get(status, "ServiceException")
    body = {"Type": "Service" if status >= 500 else "User", "Message": message}  # noqa: PLR2004
    return answers.JsonAnswer(body, status, {"x-amzn-errortype": kind, **(headers or {})})
