"""The HTTP platform: what each request is answered, and what the pool is asked."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import httpx
import pytest
import structlog.testing

from groundhog import errors
from groundhog.config import Limits, Timings
from groundhog.platforms import http
from groundhog.platforms.metrics import Metrics
from tests.framework.scripted_pool import Script, ScriptedPool

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

LIMITS = Limits(request_bytes=1000, timeout_s=20)


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
async def client(script: Script, metrics: Metrics) -> AsyncIterator[httpx.AsyncClient]:
    application = http.application(
        ScriptedPool(script), metrics, LIMITS, domain_header="X-Tenant", info={"function": "hello"}
    )
    transport = httpx.ASGITransport(application)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client


def message(response: httpx.Response) -> str:
    body = response.json()
    assert body.keys() == {"error"}
    assert isinstance(body["error"], str)
    assert "\n" not in body["error"]
    return body["error"]


@pytest.mark.parametrize(
    "value", [{"name": "Ada"}, {}, [1, 2], {"❄": "☃"}, {"deep": {"er": [None, True, 1.5]}}]
)
async def test_the_answer_is_the_functions(client: httpx.AsyncClient, value: Any) -> None:
    response = await client.post("/", json=value)
    assert response.status_code == 200
    assert response.json() == value
    assert response.headers["content-type"] == "application/json"
    assert int(response.headers["content-length"]) == len(response.content)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"", "empty"),
        (b"{", "not JSON"),
        (b"hello", "not JSON"),
        (b'{"a": NaN}', "expected value at line 1 column 7"),
        (b'{"a": -Infinity}', "invalid number at line 1 column 8"),
        (b'{"a": "\xff"}', "byte 7 is not UTF-8"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        (b"5", "not an object or an array"),
        (b"null", "not an object or an array"),
        (b'{"a":1}{"b":2}', "not JSON"),
    ],
)
async def test_what_is_no_argument_is_400(
    client: httpx.AsyncClient, script: Script, body: bytes, named: str
) -> None:
    response = await client.post("/", content=body)
    assert response.status_code == 400
    assert named in message(response)
    assert script.invocations == []


async def test_a_deep_body_is_400_not_500(script: Script) -> None:
    limits = Limits(request_bytes=10_000_000)
    transport = httpx.ASGITransport(http.application(ScriptedPool(script), Metrics(), limits))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        response = await client.post("/", content=b"[" * 500_000 + b"]" * 500_000)
    assert response.status_code == 400
    assert "deeply" in message(response)


async def test_a_long_body_is_413_by_its_declared_length(client: httpx.AsyncClient, script: Script) -> None:
    response = await client.post("/", content=b'{"a":"%b"}' % (b"x" * 1000))
    assert response.status_code == 413
    assert "limit of 1000" in message(response)
    assert script.invocations == []


async def test_a_long_body_is_413_as_it_comes(client: httpx.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b" " * 100

    response = await client.post("/", content=chunks())
    assert response.status_code == 413


async def test_a_body_of_exactly_the_limit_is_served(client: httpx.AsyncClient) -> None:
    body = b'{"a":"%b"}' % (b"x" * (1000 - 8))
    assert len(body) == 1000
    assert (await client.post("/", content=body)).status_code == 200


async def test_a_body_too_long_once_encoded_is_413(client: httpx.AsyncClient) -> None:
    response = await client.post("/", content='{"a":"%s"}' % ("\u2028" * 300))
    assert response.status_code == 413


@pytest.mark.parametrize(
    "body", [b'{"a":\r1}', '{"a":"x\u2028y"}'.encode(), '{"a":"\u0085"}'.encode(), b'[\r{"value":{}}\r]']
)
async def test_no_request_can_become_two_lines(
    client: httpx.AsyncClient, script: Script, body: bytes
) -> None:
    assert (await client.post("/", content=body)).status_code == 200
    made = script.invocations[0]
    assert len(made.params.decode().splitlines()) == 1
    assert made.value == json.loads(body), "but it means the same"


async def test_all_else_goes_through_as_it_came(client: httpx.AsyncClient, script: Script) -> None:
    body = '{ "❄" : 1.50 }'.encode()
    await client.post("/", content=body)
    assert script.invocations[0].params == body


@pytest.mark.parametrize(
    ("error", "status", "retry"),
    [
        (errors.OverloadedError("queue full"), 429, True),
        (errors.FunctionTimeoutError("too slow"), 504, False),
        (errors.FunctionExitedError("command exited"), 502, False),
        (errors.ProtocolError("no object"), 502, False),
        (errors.PayloadTooLargeError("answer too long"), 502, False),
        (errors.PoolClosedError("closing"), 503, True),
        (errors.CutOffError("was ended before it answered"), 503, False),
    ],
)
async def test_errors_of_the_pool(
    client: httpx.AsyncClient, script: Script, error: errors.GroundhogError, status: int, *, retry: bool
) -> None:
    script.error = error
    response = await client.post("/", json={})
    assert response.status_code == status
    assert str(error) in message(response)
    assert ("retry-after" in response.headers) == retry


@pytest.mark.parametrize(
    "kind", [errors.InitError, errors.SpawnError, errors.SnapshotRefusedError, errors.EngineError]
)
async def test_why_no_process_starts_is_told_to_the_log_alone(
    client: httpx.AsyncClient, script: Script, kind: type[errors.GroundhogError]
) -> None:
    """It is what the function, or this machine, says of itself to nobody in particular."""
    script.error = kind("OSError: db.internal, password hunter2 (/srv/handler.py, line 3)")
    with structlog.testing.capture_logs() as events:
        response = await client.post("/", json={})
    assert response.status_code == 503
    assert "retry-after" in response.headers
    assert message(response) == "no clean worker: no process starts; the log of groundhog says why"
    assert [event["error"] for event in events] == [str(script.error)]


async def test_why_a_hook_failed_is_told_to_the_log_alone(client: httpx.AsyncClient, script: Script) -> None:
    script.error = errors.HookError(
        "a hook after the restore failed: db.internal, password hunter2", "printed hunter2", "hunter2"
    )
    with structlog.testing.capture_logs() as events:
        response = await client.post("/", json={})
    assert response.status_code == 502
    assert "hunter2" not in response.text
    assert message(response) == "a hook after the restore failed; the log of groundhog says why"
    assert [event["error"] for event in events] == [str(script.error)]


async def test_an_unforeseen_error_says_nothing_of_the_request(
    client: httpx.AsyncClient, script: Script
) -> None:
    def fail(params: Any) -> Any:
        raise KeyError(params["secret"])

    script.answer = fail
    response = await client.post("/", json={"secret": "s3cret"})
    assert response.status_code == 500
    assert "s3cret" not in response.text


async def test_an_exception_of_the_handler_is_502(client: httpx.AsyncClient, script: Script) -> None:
    script.answer = lambda _: {"error": "division by zero"}
    response = await client.post("/", json={})
    assert response.status_code == 502
    assert response.json() == {"error": "division by zero"}


async def test_an_answer_with_more_than_an_error_is_200(client: httpx.AsyncClient, script: Script) -> None:
    script.answer = lambda _: {"error": None, "rows": []}
    assert (await client.post("/", json={})).status_code == 200


@pytest.fixture
def events() -> Iterator[list[Any]]:
    """What is logged."""
    with structlog.testing.capture_logs() as captured:
        yield captured


async def test_a_request_that_prints_nothing_is_not_logged(
    client: httpx.AsyncClient, script: Script, events: list[Any]
) -> None:
    await client.post("/", json={})
    assert script.invocations[0].context is not None
    assert re.fullmatch("[0-9a-f]{32}", script.invocations[0].context["activation_id"])
    await client.post("/", content=b"no JSON")
    assert events == []


async def test_what_is_printed_is_logged_with_the_activation_id(
    client: httpx.AsyncClient, script: Script, events: list[Any]
) -> None:
    script.stdout = "out\n"
    await client.post("/", json={})
    assert script.invocations[0].context is not None
    assert events == [
        {
            "event": "request",
            "log_level": "info",
            "activation_id": script.invocations[0].context["activation_id"],
            "outcome": "ok",
            "queue_ms": 0.0,
            "run_ms": 1.0,
            "restore_ms": 0.1,
            "stdout": "out\n",
        }
    ]


async def test_a_request_that_fails_is_logged(
    client: httpx.AsyncClient, script: Script, events: list[Any]
) -> None:
    script.answer = lambda _: {"error": "division by zero"}
    script.stderr = "Traceback: all of it\n"
    await client.post("/", json={})
    script.error = errors.FunctionExitedError("command exited", "out\n", "err\n")
    await client.post("/", json={})
    raised, exited = events
    assert raised["log_level"] == exited["log_level"] == "warning"
    assert (raised["outcome"], raised["stderr"]) == ("error", "Traceback: all of it\n")
    assert "stdout" not in raised
    assert (exited["outcome"], exited["error"]) == ("FunctionExitedError", "command exited")
    assert (exited["stdout"], exited["stderr"], exited["run_ms"]) == ("out\n", "err\n", 1.0)
    assert raised["activation_id"] != exited["activation_id"]


@pytest.mark.parametrize(("given", "seconds"), [(None, 20), ("5", 5), ("0.25", 0.25), ("100", 20)])
async def test_x_timeout_shortens_but_never_lengthens(
    client: httpx.AsyncClient, script: Script, given: str | None, seconds: float
) -> None:
    await client.post("/", json={}, headers={"X-Timeout": given} if given else {})
    assert script.invocations[0].timeout == seconds


@pytest.mark.parametrize("given", ["0", "-1", "nan", "inf", "soon", ""])
async def test_a_senseless_x_timeout_is_400(client: httpx.AsyncClient, given: str) -> None:
    response = await client.post("/", json={}, headers={"X-Timeout": given})
    assert response.status_code == 400
    assert "X-Timeout" in message(response)


@pytest.mark.parametrize(
    ("headers", "domain"), [({"x-tenant": "a"}, "a"), ({}, None), ({"x-tenant": ""}, None)]
)
async def test_the_domain_is_the_header(
    client: httpx.AsyncClient, script: Script, headers: dict[str, str], domain: str | None
) -> None:
    await client.post("/", json={}, headers=headers)
    assert script.invocations[0].domain == domain


@pytest.mark.parametrize(("header", "values"), [("X-Tenant", "ab"), ("X-Timeout", "12")])
async def test_two_values_are_none(
    client: httpx.AsyncClient, script: Script, header: str, values: str
) -> None:
    response = await client.post("/", json={}, headers=[(header, value) for value in values])
    assert response.status_code == 400
    assert header in message(response)
    assert script.invocations == []


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/", 405), ("PUT", "/", 405), ("POST", "/x", 404)]
)
async def test_other_methods_and_paths(
    client: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    response = await client.request(method, path)
    assert response.status_code == status
    assert path in message(response)


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("POST", "http://example.com/", 200),
        ("POST", "http://example.com", 200),
        ("POST", "HTTPS://example.com:80?a=1", 200),
        ("GET", "http://example.com/_/health", 200),
        ("GET", "http://example.com/_/metrics", 200),
        ("GET", "http://example.com%2F_/health", 404),
        ("GET", "http://example.com/%5f/health", 404),
        ("POST", "http://example.com/x", 404),
        ("POST", "ftp://example.com/", 404),
        ("POST", "x", 404),
        ("POST", "*", 404),
        ("OPTIONS", "*", 204),
    ],
)
@pytest.mark.parametrize("lengths", [1, 2])
async def test_targets_that_are_no_path(
    script: Script, metrics: Metrics, method: str, target: str, status: int, lengths: int
) -> None:
    application = http.application(ScriptedPool(script), metrics, LIMITS)
    raw_path, _, query = target.encode().partition(b"?")
    scope = {
        "type": "http",
        "method": method,
        "scheme": "http",
        "path": unquote(raw_path.decode()),
        "raw_path": raw_path,
        "query_string": query,
        "headers": [(b"content-length", b"2"), (b"transfer-encoding", b"chunked")][:lengths],
    }
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"{}"}

    async def send(message: Any) -> None:
        sent.append(message)

    await application(scope, receive, send)
    assert sent[0]["status"] == (status if lengths == 1 else 400)
    if sent[0]["status"] >= 400:
        assert json.loads(sent[1]["body"]).keys() == {"error"}


async def test_health_and_readiness(client: httpx.AsyncClient, script: Script) -> None:
    assert (await client.get("/_/health")).status_code == 200
    assert (await client.get("/_/ready")).status_code == 200
    script.ready = False
    assert (await client.get("/_/health")).status_code == 200
    response = await client.get("/_/ready")
    assert response.status_code == 503
    assert "no clean worker" in message(response)


async def test_info(client: httpx.AsyncClient) -> None:
    body = (await client.get("/_/info")).json()
    assert body["function"] == "hello"
    assert body["pool"]["workers"] == {"clean": 2, "restoring": 1}


class Report:
    """A restore as the metrics see it."""

    strategy = "hot"
    pages_dirty = 40
    connections_shut = 2
    duration = 60e-6
    phases = {"scan": 10e-6, "copy": 40e-6}  # noqa: RUF012  (a stand-in that nobody changes)


async def test_metrics(client: httpx.AsyncClient, metrics: Metrics) -> None:
    metrics.on_request("ok", Timings(0.001, 0.002))
    metrics.on_request("FunctionTimeoutError", Timings(0.001, 20))
    metrics.on_restore(Report())  # type: ignore[arg-type]  # the metrics look at no more than this
    metrics.on_restore(Report())  # type: ignore[arg-type]
    metrics.on_retire("fd-changed", "descriptor 5 changed")
    response = await client.get("/_/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=")
    lines = response.text.splitlines()
    for line in (
        'groundhog_requests_total{outcome="ok"} 1.0',
        'groundhog_requests_total{outcome="FunctionTimeoutError"} 1.0',
        "groundhog_request_seconds_count 2.0",
        "groundhog_restore_seconds_count 2.0",
        "groundhog_dirty_pages_sum 80.0",
        "groundhog_connections_shut_total 4.0",
        'groundhog_restore_phase_seconds_total{phase="scan"} 2e-05',
        'groundhog_retirements_total{reason="fd-changed"} 1.0',
        "groundhog_queue_length 7.0",
        "groundhog_snapshot_bytes 4096.0",
        'groundhog_workers{state="clean"} 2.0',
        'groundhog_workers{state="restoring"} 1.0',
    ):
        assert line in lines
