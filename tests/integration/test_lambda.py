"""``groundhog lambda`` as its users run it: AWS's own clients, unmodified, on both sides."""

from __future__ import annotations

import base64
import json
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from tests.framework import programs
from tests.framework.commands import groundhog, served
from tests.framework.servers import NOBODY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.framework.commands import Served

    Source = Callable[[str, str], Path]

pytestmark = pytest.mark.kernel

INVOCATIONS = "/2015-03-31/functions/function/invocations"
PYTHON = """
import os, threading

seen = []

def handler(event, context):
    seen.append(event.get("name"))
    print("called by", event.get("name"))
    if "raise" in event:
        raise ValueError(event["raise"])
    if "exit" in event:
        os._exit(3)
    if "hang" in event:
        threading.Event().wait()
    if "size" in event:
        return "x" * event["size"]
    return {
        "seen": seen,
        "pid": os.getpid(),
        "id": context.aws_request_id,
        "arn": context.invoked_function_arn,
        "name": context.function_name,
        "memory": context.memory_limit_in_mb,
        "tenant": context.tenant_id,
        "custom": context.client_context.custom if context.client_context else None,
        "left": context.get_remaining_time_in_millis(),
    }
"""
CLIENT = (sys.executable, "-m", "awslambdaric", "app.handler")


def run(
    folder: Path, *options: str, client: tuple[str, ...] = CLIENT, env: dict[str, str] | None = None
) -> Any:
    return served("lambda", *options, "--", *client, env={"PYTHONPATH": str(folder), **(env or {})})


def boto(server: Served) -> Any:
    return boto3.client(
        "lambda",
        endpoint_url=server.url,
        region_name="us-east-1",
        aws_access_key_id="none",
        aws_secret_access_key="none",
        config=Config(retries={"total_max_attempts": 1}, read_timeout=60),
    )


def call(client: Any, event: Any, **options: Any) -> Any:
    answer = client.invoke(FunctionName="function", Payload=json.dumps(event), **options)
    return json.loads(answer["Payload"].read())


@pytest.fixture
def folder(source: Source) -> Path:
    return source("app.py", PYTHON).parent


WAYS = {
    "at-rest": [],
    # Then the client asks from a thread that ends before the function is called.
    "threaded": ["--runtime", "python3.12"],
    "snap-start": ["--snap-start"],
    "eager": ["--snap-start", "--hooks", "eager"],
    "verified": ["--verify", "--workers", "2"],
    "copy": ["--strategy", "copy"],
    "tenants": ["--isolation", "domain"],
}


@pytest.mark.parametrize("options", WAYS.values(), ids=WAYS)
def test_each_answer_is_a_first_one(folder: Path, options: list[str]) -> None:
    with run(folder, *options) as server:
        client = boto(server)
        answers = [call(client, {"name": number}) for number in range(200)]
        assert [answer["seen"] for answer in answers] == [[number] for number in range(200)]
        assert len({answer["id"] for answer in answers}) == 200
        counters = server.client.get("/_/info").json()["pool"]
        assert counters["requests"] == 200
        assert set(counters["retirements"]) <= {"superseded"}, server.log
        assert server.stop() == 0


def test_without_isolation_the_same_function_leaks(folder: Path) -> None:
    with run(folder, "--isolation", "off") as server:
        client = boto(server)
        assert call(client, {"name": "Ada"})["seen"] == ["Ada"]
        assert call(client, {"name": "Bob"})["seen"] == ["Ada", "Bob"]
        assert server.stop() == 0


def test_what_was_warm_stays_so(folder: Path) -> None:
    with run(folder, "--warmup", '{"name": "warm"}') as server:
        for name in "Ada", "Bob":
            assert call(boto(server), {"name": name})["seen"] == ["warm", name]
        assert server.stop() == 0


def test_tenants_keep_their_own_state(folder: Path) -> None:
    with run(folder, "--isolation", "domain", "--trust-local-callers") as server:
        client = boto(server)
        for number in range(20):
            for tenant in "blue", "red":
                seen = call(client, {"name": f"{tenant} {number}"}, TenantId=tenant)["seen"]
                assert seen[-1] == f"{tenant} {number}"
                assert all(name.startswith(tenant) for name in seen)
        assert call(client, {"name": "none"})["seen"] == ["none"]
        assert server.stop() == 0


def test_what_the_function_is_told(folder: Path) -> None:
    options = "--function-name", "orders", "--memory", "256", "--timeout", "9"
    with run(folder, *options, env={"AWS_REGION": "eu-west-1"}) as server:
        context = base64.b64encode(b'{"custom": {"a": "\xc3\xa9"}}').decode()
        answer = boto(server).invoke(
            FunctionName="orders", Payload="{}", ClientContext=context, LogType="Tail", TenantId="blue"
        )
        told = json.loads(answer["Payload"].read())
        assert told["id"] == answer["ResponseMetadata"]["RequestId"]
        assert told["arn"] == "arn:aws:lambda:eu-west-1:012345678912:function:orders"
        assert (told["name"], told["memory"], told["tenant"]) == ("orders", "256", "blue")
        assert told["custom"] == {"a": "é"}
        assert 0 < told["left"] <= 9000
        assert base64.b64decode(answer["LogResult"]) == b"called by None\n"
        assert answer["ExecutedVersion"] == "$LATEST"
        assert server.stop() == 0


def test_functions_that_fail(folder: Path) -> None:
    with run(folder, "--timeout", "2") as server:
        client = boto(server)
        for event, kind, text in (
            ({"raise": "why"}, "ValueError", "why"),
            ({"exit": 1}, "Runtime.ExitError", "Runtime exited before it answered"),
            ({"hang": 1}, "Sandbox.Timedout", "Task timed out after 2.00 seconds"),
            ({"size": 7 << 20}, "Function.ResponseSizeTooLarge", "exceeded maximum allowed payload size"),
        ):
            answer = client.invoke(FunctionName="function", Payload=json.dumps({"name": "Ada", **event}))
            told = json.loads(answer["Payload"].read())
            assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
            assert told["errorType"] == kind
            assert text in told["errorMessage"]
            assert call(client, {"name": "Bob"})["seen"] == ["Bob"]
        counters = server.client.get("/_/info").json()["pool"]
        assert counters["retirements"] == {"exited": 1, "timeout": 1, "answer-too-large": 1}
        assert server.stop() == 0


def test_one_that_is_called_and_left(folder: Path) -> None:
    with run(folder) as server:
        client = boto(server)
        answer = client.invoke(FunctionName="function", InvocationType="Event", Payload='{"name": "Ada"}')
        assert answer["StatusCode"] == 202
        assert call(client, {"name": "Bob"})["seen"] == ["Bob"]
        assert server.stop() == 0
        assert "called by Ada" in server.log


def test_an_answer_in_events(folder: Path) -> None:
    with run(folder) as server:
        client = boto(server)
        cases: list[tuple[dict[str, Any], int, str | None]] = [
            ({"name": "Ada"}, 1, None),
            ({"name": "Bob", "size": 3_000_000}, 1, None),
            ({"name": "Eve", "raise": "why"}, 0, "ValueError"),
        ]
        for event, chunks, error in cases:
            answer = client.invoke_with_response_stream(
                FunctionName="function", Payload=json.dumps(event), LogType="Tail"
            )
            events = list(answer["EventStream"])
            assert len(events) == chunks + 1
            complete = events[-1]["InvokeComplete"]
            assert complete.get("ErrorCode") == error
            assert f"called by {event['name']}" in base64.b64decode(complete["LogResult"]).decode()
            if chunks:
                told = json.loads(events[0]["PayloadChunk"]["Payload"])
                assert told == "x" * event["size"] if "size" in event else told["seen"] == ["Ada"]
        assert server.stop() == 0


def test_code_that_does_not_load(source: Source) -> None:
    folder = source("app.py", "raise ImportError('no module named nowhere')\n").parent
    result = groundhog("lambda", "--port", "0", "--", *CLIENT, env={"PYTHONPATH": str(folder)})
    assert result.returncode == 1
    assert "no module named nowhere" in result.stderr


@pytest.mark.may_skip("only root can choose the user of a function")
def test_as_another_user() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can choose the user of a function")
    with served("lambda", "--uid", str(NOBODY), "--", *programs.go_module("lambda")) as server:
        for name in "Ada", "Bob":
            assert call(boto(server), {"name": name})["seen"] == [name]
        assert server.client.get("/_/info").json()["pool"]["retirements"] == {}
        assert server.stop() == 0


@pytest.mark.parametrize("idle_s", [3, pytest.param(100, marks=pytest.mark.slow)])
@pytest.mark.timeout(240)
def test_a_client_that_is_idle_wakes_and_goes_on_waiting(folder: Path, idle_s: float) -> None:
    """Some wake each second: what they do then is reverted with the next request."""
    with run(folder, "--runtime", "python3.12", "--verify") as server:
        client = boto(server)
        assert call(client, {"name": "Ada"})["seen"] == ["Ada"]
        threading.Event().wait(idle_s)  # which is what is tried
        assert call(client, {"name": "Bob"})["seen"] == ["Bob"]
        assert server.client.get("/_/info").json()["pool"]["retirements"] == {}
        assert server.stop() == 0


def test_a_network_of_its_own_is_refused(folder: Path) -> None:
    result = groundhog("lambda", "--network", "none", "--", *CLIENT, env={"PYTHONPATH": str(folder)})
    assert result.returncode == 1
    assert "network" in result.stderr
    assert "Runtime API" in result.stderr


HOOKED = """
import os, random
from snapshot_restore_py import register_after_restore

drawn = random.random()

@register_after_restore
def renew():
    global drawn
    random.seed(os.urandom(32))
    drawn = random.random()
    print("renewed")

def handler(event, context):
    return {"drawn": drawn, "again": random.random()}
"""


@pytest.mark.parametrize("hooks", ["lazy", "eager"])
def test_hooks_of_snap_start(source: Source, hooks: str) -> None:
    folder = source("app.py", HOOKED).parent
    with run(folder, "--snap-start", "--hooks", hooks) as server:
        client = boto(server)
        answers = [call(client, {}) for _ in range(50)]
        for name in "drawn", "again":
            assert len({answer[name] for answer in answers}) == 50
        answer = client.invoke(FunctionName="function", Payload="{}", LogType="Tail")
        assert base64.b64decode(answer["LogResult"]) == b"renewed\n"
        assert server.stop() == 0


ODD = """
import os, socket, sys

BASE = "/2018-06-01/runtime/invocation/"
host, port = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")
NEXT = ("GET " + BASE + "next HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n").encode()

def connect():
    return socket.create_connection((host, int(port)))

def message(sock):
    data = b""
    while b"\\r\\n\\r\\n" not in data:
        more = sock.recv(65536)
        if not more:
            sys.exit(1)
        data += more
    head, _, body = data.partition(b"\\r\\n\\r\\n")
    fields = dict(line.lower().split(": ", 1) for line in head.decode().split("\\r\\n")[1:])
    while len(body) < int(fields["content-length"]):
        body += sock.recv(65536)
    return fields, body

def post(about, body):
    head = "POST %s%s/response HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: %d\\r\\n\\r\\n"
    return (head % (BASE, about, len(body))).encode() + body

def behind_the_question(sock, about):
    sock.sendall(post(about, b'"odd"'))
    message(sock)
    sock.sendall(NEXT + NEXT)

def answer_left_unread(sock, about):
    sock.sendall(post(about, b'"odd"'))
    sock.sendall(NEXT)
    message_of_nobody = connect()

def elsewhere(sock, about):
    other = connect()
    other.sendall(post(about, b'"odd"'))
    message(other)
    other.sendall(NEXT)
    message(other)

def half_a_request(sock, about):
    sock.sendall(post(about, b'"odd"'))
    message(sock)
    sock.sendall(NEXT)
    sock.sendall(post("x" * 36, b"{}")[:-1])

def twice(sock, about):
    sock.sendall(post(about, b'"odd"') + post(about, b'"again"'))
    message(sock)
    message(sock)
    sock.sendall(NEXT)

def closed(sock, about):
    sock.sendall(post(about, b'"odd"'))
    message(sock)
    sock.shutdown(socket.SHUT_RDWR)

def for_others(sock, about):
    for _ in range(3):
        other = connect()
        other.sendall(post("00000000-0000-0000-0000-000000000000", b'"odd"'))
        message(other)
    sock.sendall(post(about, b'"odd"'))
    message(sock)
    sock.sendall(NEXT)

seen = 0
sock = connect()
sock.sendall(NEXT)
while True:
    fields, body = message(sock)
    seen += 1
    about = fields["lambda-runtime-aws-request-id"]
    name = body.decode().strip('"')
    if name in globals():
        globals()[name](sock, about)
    else:
        sock.sendall(post(about, b"%d" % seen))
        if b"202" and message(sock)[1] != b'{"status":"OK"}':
            sys.exit(1)
        sock.sendall(NEXT)
"""
ODD_WAYS = [
    "behind_the_question",
    "answer_left_unread",
    "elsewhere",
    "half_a_request",
    "twice",
    "closed",
    "for_others",
]


@pytest.mark.parametrize("way", ODD_WAYS)
def test_a_client_that_speaks_oddly_is_none_of_the_next_caller(source: Source, way: str) -> None:
    program = source("odd.py", ODD)
    with served("lambda", "--timeout", "5", "--", sys.executable, str(program)) as server:
        for _ in range(5):
            odd = server.client.post(INVOCATIONS, json=way)
            assert odd.json() == "odd" or odd.headers["x-amz-function-error"] == "Unhandled"
            usual = server.client.post(INVOCATIONS, json="usual")
            assert (usual.status_code, usual.text) == (200, "1")
        assert server.stop() == 0


CLIENTS: dict[str, Callable[[], tuple[str, ...]]] = {"go": lambda: programs.go_module("lambda")}
SLOW_CLIENTS: dict[str, Callable[[], tuple[str, ...]]] = {
    "nodejs": programs.lambda_nodejs,
    "java": programs.lambda_java,
    "rust": programs.lambda_rust,
}


@pytest.mark.parametrize(
    "make",
    [
        *(pytest.param(make, id=name) for name, make in CLIENTS.items()),
        *(pytest.param(make, id=name, marks=pytest.mark.slow) for name, make in SLOW_CLIENTS.items()),
    ],
)
def test_clients_in_other_languages(make: Callable[[], tuple[str, ...]]) -> None:
    with served("lambda", "--warmup", '{"name": "warm"}', "--warmup-rounds", "50", "--", *make()) as server:
        client = boto(server)
        for number in range(200):
            answer = call(client, {"name": number})
            assert answer["seen"] == [*["warm"] * 50, number]
        answer = client.invoke(FunctionName="function", Payload='{"name": "x", "raise": "why"}')
        assert answer["FunctionError"] == "Unhandled"
        assert json.loads(answer["Payload"].read())["errorMessage"] == "why"
        assert set(server.client.get("/_/info").json()["pool"]["retirements"]) <= {"superseded"}
        assert server.stop() == 0


def test_a_hangup_drains(folder: Path) -> None:
    with run(folder) as server:
        assert call(boto(server), {"name": "Ada"})["seen"] == ["Ada"]
        server.process.send_signal(signal.SIGHUP)
        assert server.process.wait(60) == 0
