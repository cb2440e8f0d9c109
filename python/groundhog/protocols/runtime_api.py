"""AWS Lambda's Runtime API, from the side that serves it to one client: pure, no input or output.

Theory of operation. The client asks ``GET .../runtime/invocation/next`` and waits, without limit, for an
event. It posts the answer to ``.../runtime/invocation/ID/response``, or to ``.../error`` what was raised, and
asks again. So a client is *waiting* from the moment that its question is complete, which is where a snapshot
is taken, and where each restore leads back to: what it has been told since, it has never heard. A restore has
to wait for the next question. Before that, the client has not read that its answer was accepted, and takes
what it finds there for its next event.

With ``AWS_LAMBDA_INITIALIZATION_TYPE=snap-start`` a client asks ``GET .../runtime/restore/next`` once, when
it has loaded. It is *parked* then, and snapshotted: when the question is answered, it runs the hooks that the
function has for the moment after a restore.

See https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from groundhog._collector import paused_for
from groundhog.errors import ProtocolError
from groundhog.protocols import json_text

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION = "/2018-06-01"
MOST_RESPONSE = 6 * 1024 * 1024 + 100
"""Bytes of an answer: AWS's limit."""
NEXT_TARGET = f"{VERSION}/runtime/invocation/next"
_ANSWER_TARGET = re.compile(rf"{VERSION}/runtime/invocation/([^/]+)/(response|error)")

REQUEST_ID = re.compile(r"[\w.~-]{1,128}", re.ASCII)
"""What the id of an invocation may be, which is a part of a path and in headers."""

ERROR_TYPE = b"lambda-runtime-function-error-type"
ERROR_BODY = b"lambda-runtime-function-error-body"
INVOCATION_ID = b"lambda-runtime-invocation-id"


class Phase(str, Enum):
    """Where a client is."""

    LOADING = "loading"
    PARKED = "parked"
    """It has asked to be told of a restore."""
    RESTORED = "restored"
    """It has been told, and runs its hooks."""
    WAITING = "waiting"
    """It has asked for an event."""
    RUNNING = "running"
    ANSWERED = "answered"
    """And has not asked for another event yet."""
    FAILED = "failed"


class Call(str, Enum):
    """What a client may ask for."""

    NEXT = "next"
    RESPONSE = "response"
    ERROR = "error"
    INIT_ERROR = "init error"
    RESTORE_NEXT = "restore next"
    RESTORE_ERROR = "restore error"


TABLE: dict[tuple[Phase, Call], Phase] = {
    (Phase.LOADING, Call.NEXT): Phase.WAITING,
    (Phase.LOADING, Call.RESTORE_NEXT): Phase.PARKED,
    (Phase.LOADING, Call.INIT_ERROR): Phase.FAILED,
    (Phase.RESTORED, Call.NEXT): Phase.WAITING,
    (Phase.RESTORED, Call.RESTORE_ERROR): Phase.FAILED,
    (Phase.RUNNING, Call.RESPONSE): Phase.ANSWERED,
    (Phase.RUNNING, Call.ERROR): Phase.ANSWERED,
    (Phase.ANSWERED, Call.NEXT): Phase.WAITING,
}
"""All that a client may ask for, and when; anything else is 403."""

HELD = frozenset({Call.NEXT, Call.RESTORE_NEXT})
"""Answered later."""

_FIXED = {
    ("GET", NEXT_TARGET): Call.NEXT,
    ("POST", f"{VERSION}/runtime/init/error"): Call.INIT_ERROR,
    ("GET", f"{VERSION}/runtime/restore/next"): Call.RESTORE_NEXT,
    ("POST", f"{VERSION}/runtime/restore/error"): Call.RESTORE_ERROR,
}


class RefusedError(Exception):
    """A call that gets an error instead: its status, type and message."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.body = json.dumps({"errorType": kind, "errorMessage": message}).encode()


def call_of(method: str, target: str) -> tuple[Call, str]:
    """What is asked for, and the id of the invocation that it is about, if it is about one.

    Raises RefusedError: 404, nothing is there.
    """
    call = _FIXED.get((method, target))
    if call is not None:
        return call, ""
    found = _ANSWER_TARGET.fullmatch(target)
    if found is None or method != "POST":
        raise RefusedError(404, "NotFound", f"nothing is served at {method} {target[:200]}")
    return Call(found[2]), found[1]


@dataclass(slots=True)
class Conversation:
    """With one client: what it may ask for now."""

    phase: Phase = Phase.LOADING
    request_id: str = ""
    """The invocation that is under way, or was last."""

    def take(self, call: Call, request_id: str, headers: Mapping[bytes, bytes]) -> None:
        """The client asks for something.

        Raises RefusedError: 403 if it may not now, 400 if it answers an invocation that is not under way.
        """
        after = TABLE.get((self.phase, call))
        if after is None:
            message = f"{call.value} is not to be asked for while the client is {self.phase.value}"
            raise RefusedError(403, "InvalidStateTransition", message)
        if request_id:
            echoed = headers.get(INVOCATION_ID)
            if request_id != self.request_id or (echoed and echoed != self.request_id.encode()):
                raise RefusedError(400, "InvalidRequestID", "that invocation is not under way")
        self.phase = after

    def deliver(self, request_id: str) -> None:
        """The client, which waits, is told of an event."""
        assert self.phase is Phase.WAITING  # noqa: S101
        self.phase, self.request_id = Phase.RUNNING, request_id

    def release(self) -> None:
        """The client, which is parked, is told of a restore."""
        assert self.phase is Phase.PARKED  # noqa: S101
        self.phase = Phase.RESTORED


def event_headers(context: Mapping[str, Any], request_id: str) -> bytes:
    """The headers that come with an event, a line each.

    Args:
        context: what is told of the request: ``deadline`` (epoch milliseconds), ``function_arn``,
            ``trace_id``, ``client_context`` and ``cognito_identity`` (JSON), ``tenant_id``.
        request_id: of the invocation.
    """
    lines = []
    for name, header in _FROM_CONTEXT.items():
        value = request_id if name == "activation_id" else context.get(name)
        if value is not None:
            text = value if isinstance(value, str) and name not in _JSON else json.dumps(value)
            lines.append(f"{header}: {_NOT_PRINTABLE.sub('', text).strip()}\r\n")
    return f"Lambda-Runtime-Invocation-Id: {request_id}\r\n{''.join(lines)}".encode()


_FROM_CONTEXT = {
    "activation_id": "Lambda-Runtime-Aws-Request-Id",
    "deadline": "Lambda-Runtime-Deadline-Ms",
    "function_arn": "Lambda-Runtime-Invoked-Function-Arn",
    "trace_id": "Lambda-Runtime-Trace-Id",
    "client_context": "Lambda-Runtime-Client-Context",
    "cognito_identity": "Lambda-Runtime-Cognito-Identity",
    "tenant_id": "Lambda-Runtime-Aws-Tenant-Id",
}
_JSON = frozenset({"client_context", "cognito_identity"})
_NOT_PRINTABLE = re.compile(r"[^ -~]")
"""What has no place in a header, nor have spaces at its ends. JSON has it escaped already."""


def described(body: bytes) -> str:
    """What a client says that went wrong, in a line: of the JSON that it posts."""
    try:
        said = json.loads(body)
        kind, message = said.get("errorType"), said.get("errorMessage")
    except (ValueError, RecursionError, AttributeError):
        return body[:1000].decode("utf-8", "replace")
    return ": ".join(str(part) for part in (kind, message) if part) or "it did not say why"


def of_trailers(trailers: Mapping[bytes, bytes]) -> bytes:
    """What a function raised while it streamed its answer, in the form in which others are posted."""
    kind = trailers[ERROR_TYPE].decode("latin-1")
    body: dict[str, Any] = {"errorType": kind, "errorMessage": ""}
    try:
        body |= json.loads(base64.b64decode(trailers.get(ERROR_BODY, b""), validate=True))
    except (ValueError, RecursionError, TypeError):
        body["errorMessage"] = trailers.get(ERROR_BODY, b"").decode("latin-1")
    return json.dumps(body).encode()


def is_failed(body: bytes) -> bool:
    """Whether a function answered an object with the one member ``error``; what is no JSON is text.

    Raises ProtocolError if it is nested too deeply.
    """
    try:
        return json_text.kind(body) == "failure"
    except RecursionError:
        raise ProtocolError("the function's answer is nested too deeply") from None
    except ValueError:
        return False


def parse_response(body: bytes) -> Any:
    """The value that a function answered: of JSON, or else the text."""
    try:
        with paused_for(len(body)):
            return json.loads(body) if body else None
    except ValueError:
        return body.decode("utf-8", "replace")
