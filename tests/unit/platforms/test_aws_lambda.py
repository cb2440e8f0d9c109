"""The way in which AWS Lambda's clients call: what each call is answered, and what the pool is asked."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import structlog.testing

from groundhog import errors
from groundhog.config import Limits
from groundhog.platforms import aws_lambda, bodies
from groundhog.platforms.metrics import Metrics
from tests.framework.scripted_pool import Script, ScriptedPool

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LIMITS = Limits(request_bytes=1000, result_bytes=2000, timeout_s=20)
PATH = "/2015-03-31/functions/function/invocations"
NESTED = base64.b64encode(b"[" * 101 + b"]" * 101).decode()


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
async def client(script: Script) -> AsyncIterator[httpx.AsyncClient]:
    application = aws_lambda.application(ScriptedPool(script), Metrics(), LIMITS, region="eu-west-1")
    transport = httpx.ASGITransport(application)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client


def encoded(value: Any) -> str:
    return base64.b64encode(json.dumps(value).encode()).decode()


async def test_a_call(client: httpx.AsyncClient, script: Script) -> None:
    script.answer = lambda event: {"got": event}
    answer = await client.post(PATH, content=b'{"a": 1}')
    assert answer.status_code == 200
    assert answer.json() == {"got": {"a": 1}}
    assert answer.headers["x-amz-executed-version"] == "$LATEST"
    assert "x-amz-function-error" not in answer.headers
    assert "x-amz-log-result" not in answer.headers
    [asked] = script.invocations
    assert asked.value == {"a": 1}
    assert asked.domain is None
    assert asked.context is not None
    assert asked.context["activation_id"] == answer.headers["x-amzn-requestid"]
    assert asked.context["function_arn"].startswith("arn:aws:lambda:eu-west-1:012345678912:function:")
    assert asked.context["trace_id"].startswith("Root=1-")
    assert "tenant_id" not in asked.context


@pytest.mark.parametrize(("body", "event"), [(b"", {}), (b" ", {}), (b"[]", []), (b"1", 1), (b"null", None)])
async def test_events_of_any_kind(client: httpx.AsyncClient, script: Script, body: bytes, event: Any) -> None:
    assert (await client.post(PATH, content=body)).status_code == 200
    assert script.invocations[0].value == event


async def test_what_is_told_of_a_call(client: httpx.AsyncClient, script: Script) -> None:
    headers = {
        "X-Amz-Tenant-Id": "blue",
        "X-Amzn-Trace-Id": "Root=1-2-3",
        "X-Amz-Client-Context": encoded({"custom": {"a": "b"}}),
    }
    assert (await client.post(PATH, headers=headers)).status_code == 200
    [asked] = script.invocations
    assert asked.domain == "blue"
    assert asked.context is not None
    assert asked.context["tenant_id"] == "blue"
    assert asked.context["trace_id"] == "Root=1-2-3"
    assert asked.context["client_context"] == {"custom": {"a": "b"}}


@pytest.mark.parametrize("name", [b"X-Amz-Tenant-Id", b"X-Amzn-Trace-Id"])
@pytest.mark.parametrize("text", [b"blue\xe9", b"bl\tue", b"b" * 2049])
async def test_what_could_not_be_told_as_it_is(
    client: httpx.AsyncClient, script: Script, name: bytes, text: bytes
) -> None:
    answer = await client.post(PATH, headers=[(name, text)])
    assert answer.status_code == 400
    assert name.decode() in answer.json()["Message"]
    assert script.invocations == []


async def test_two_tenants(client: httpx.AsyncClient, script: Script) -> None:
    headers = [("X-Amz-Tenant-Id", "blue"), ("X-Amz-Tenant-Id", "red")]
    answer = await client.post(PATH, headers=headers)
    assert answer.status_code == 400
    assert script.invocations == []


async def test_what_was_printed(client: httpx.AsyncClient, script: Script) -> None:
    script.stdout, script.stderr = "é" * 5000, "last"
    answer = await client.post(PATH, headers={"X-Amz-Log-Type": "Tail"})
    told = base64.b64decode(answer.headers["x-amz-log-result"])
    assert len(told) == 4096
    assert told.endswith("ééé".encode() + b"last")


async def test_what_was_raised(client: httpx.AsyncClient, script: Script) -> None:
    script.answer, script.raised = lambda _: {"errorType": "Oops"}, True
    answer = await client.post(PATH)
    assert answer.status_code == 200
    assert answer.headers["x-amz-function-error"] == "Unhandled"
    assert answer.json() == {"errorType": "Oops"}


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (
            errors.FunctionTimeoutError("process secret"),
            "Sandbox.Timedout",
            "Task timed out after 20.00 seconds",
        ),
        (
            errors.FunctionExitedError("process secret"),
            "Runtime.ExitError",
            "Runtime exited before it answered",
        ),
        (errors.PayloadTooLargeError("secret"), "Function.ResponseSizeTooLarge", "size (2000 bytes)"),
        (errors.ProtocolError("process secret"), "Runtime.Unknown", "broke the protocol"),
        (errors.HookError("password secret"), "Runtime.Unknown", "broke the protocol"),
        (errors.InitError("password secret"), "Runtime.InitError", "does not start"),
    ],
)
async def test_functions_that_fail(
    client: httpx.AsyncClient, script: Script, error: errors.GroundhogError, kind: str, text: str
) -> None:
    script.error = error
    answer = await client.post(PATH)
    assert answer.status_code == 200
    assert answer.headers["x-amz-function-error"] == "Unhandled"
    assert answer.json()["errorType"] == kind
    assert text in answer.json()["errorMessage"]
    assert "secret" not in answer.json()["errorMessage"].replace(answer.headers["x-amzn-requestid"], "")


@pytest.mark.parametrize(
    ("error", "status", "kind", "again"),
    [
        (errors.OverloadedError("3 wait"), 429, "TooManyRequestsException", "1"),
        (errors.PoolClosedError("closing"), 503, "ServiceException", "1"),
        (errors.CutOffError("ended"), 503, "ServiceException", None),
        (errors.SpawnError("no process"), 503, "ServiceException", "1"),
    ],
)
async def test_calls_that_came_to_nothing(
    client: httpx.AsyncClient,
    script: Script,
    error: errors.GroundhogError,
    status: int,
    kind: str,
    again: str | None,
) -> None:
    script.error = error
    answer = await client.post(PATH)
    assert answer.status_code == status
    assert answer.headers["x-amzn-errortype"] == kind
    assert answer.headers.get("retry-after") == again
    assert answer.json().keys() == {"Type", "Message"}


@pytest.mark.parametrize(
    ("path", "headers", "body", "status", "kind"),
    [
        (PATH.replace("function/", "other/"), {}, b"", 404, "ResourceNotFoundException"),
        (PATH, {}, b"{", 400, "InvalidRequestContentException"),
        (PATH, {}, b'"' + b"x" * 1000 + b'"', 413, "RequestTooLargeException"),
        (PATH, {"X-Amz-Invocation-Type": "Later"}, b"", 400, "InvalidRequestContentException"),
        (PATH, {"X-Amz-Client-Context": "{}"}, b"", 400, "InvalidRequestContentException"),
        (PATH, {"X-Amz-Client-Context": "e30=" * 1000}, b"", 400, "InvalidRequestContentException"),
        (PATH, {"X-Amz-Client-Context": NESTED}, b"", 400, "InvalidRequestContentException"),
    ],
)
async def test_calls_that_are_refused(
    client: httpx.AsyncClient,
    script: Script,
    path: str,
    headers: dict[str, str],
    body: bytes,
    status: int,
    kind: str,
) -> None:
    answer = await client.post(path, headers=headers, content=body)
    assert answer.status_code == status
    assert answer.headers["x-amzn-errortype"] == kind
    assert answer.json()["Type"] == "User"
    assert script.invocations == []


@pytest.mark.parametrize(
    "name",
    [
        "function",
        "function:$LATEST",
        "arn:aws:lambda:us-east-1:012345678912:function:function",
        "arn:aws:lambda:us-east-1:012345678912:function:function:live",
        "012345678912:function:function",
    ],
)
async def test_all_ways_to_name_it(client: httpx.AsyncClient, name: str) -> None:
    assert (await client.post(f"/2015-03-31/functions/{name}/invocations")).status_code == 200


async def test_a_call_that_nobody_waits_for(client: httpx.AsyncClient, script: Script) -> None:
    script.stdout, script.raised = "done", True
    with structlog.testing.capture_logs() as logs:
        answer = await client.post(PATH, headers={"X-Amz-Invocation-Type": "Event"})
        assert answer.status_code == 202
        assert answer.content == b""
        while not logs:  # noqa: ASYNC110 - nothing else tells of it
            await asyncio.sleep(0)
    assert script.served == 1
    [event] = [log for log in logs if log["event"] == "request"]
    assert event["activation_id"] == answer.headers["x-amzn-requestid"]
    assert event["stdout"] == "done"


async def test_events_that_wait_take_room(
    client: httpx.AsyncClient, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "MOST", 1000)
    monkeypatch.setattr(bodies, "_SMALL", 0)
    script.ready = False
    event, headers = json.dumps("x" * 500), {"X-Amz-Invocation-Type": "Event"}
    assert (await client.post(PATH, content=event, headers=headers)).status_code == 202
    answer = await client.post(PATH, content=event, headers=headers)
    assert answer.status_code == 429
    assert answer.headers["x-amzn-errortype"] == "TooManyRequestsException"
    script.queue.pop().future.cancel()
    await asyncio.sleep(0)
    assert (await client.post(PATH, content=event, headers=headers)).status_code == 202
    script.queue.pop().future.cancel()


async def test_a_call_that_is_only_tried(client: httpx.AsyncClient, script: Script) -> None:
    answer = await client.post(PATH, headers={"X-Amz-Invocation-Type": "DryRun"})
    assert answer.status_code == 204
    assert script.invocations == []


async def test_another_method(client: httpx.AsyncClient) -> None:
    answer = await client.get(PATH)
    assert answer.status_code == 405
    assert "Message" in answer.json()
