"""The OpenWhisk platform: every row of its contract, and what goes into the logs."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gc
import hashlib
import json
import os
import shutil
import tempfile
import threading
import time
from typing import IO, TYPE_CHECKING, Any

import httpx
import pytest

from groundhog import errors, removal
from groundhog.archives import unpacker
from groundhog.config import Limits
from groundhog.platforms import openwhisk
from groundhog.platforms.openwhisk import CANNOT_START, INIT_TWICE, SENTINEL, Container
from tests.framework.archives import ATTACKS, PACKAGE, zipped
from tests.framework.scripted_pool import Script, ScriptedPool

# ruff: noqa: ASYNC240 - folders to look into
if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from groundhog.config import Function
    from groundhog.observer import Observer
    from groundhog.platforms.openwhisk_code import Runtime
    from groundhog.worker import Job

ENDED = (f"{SENTINEL}\n", f"{SENTINEL}\n")
LIMITS = Limits(request_bytes=1000)
PYTHON = "def main(args):\n    return args\n"


class Host:
    """A container, its log streams, and a client."""

    def __init__(self, runtime: Runtime, stdout: IO[bytes], stderr: IO[bytes]) -> None:
        self.script = Script()
        self.functions: list[Function] = []
        self._stdout, self._stderr = stdout, stderr
        self.container = Container(
            runtime,
            self._make_pool,
            LIMITS,
            replacement_s=0.05,
            stdout=self._stdout.fileno(),
            stderr=self._stderr.fileno(),
        )
        transport = httpx.ASGITransport(self.container.application())
        self.client = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1")

    def _make_pool(self, function: Function, _: Observer) -> ScriptedPool:
        self.functions.append(function)
        return ScriptedPool(self.script)

    async def init(self, code: str = PYTHON, **members: Any) -> httpx.Response:
        return await self.client.post("/init", json={"value": {"name": "hello", "code": code, **members}})

    async def run(self, value: Any = None, **members: Any) -> httpx.Response:
        return await self.client.post("/run", json={"value": {} if value is None else value, **members})

    def logs(self) -> tuple[str, str]:
        """What came since the last call."""
        texts = []
        for stream in (self._stdout, self._stderr):
            stream.seek(0)
            texts.append(stream.read().decode())
            stream.seek(0)
            stream.truncate()
        return texts[0], texts[1]


@contextlib.asynccontextmanager
async def container(runtime: Runtime) -> AsyncIterator[Host]:
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        host = Host(runtime, stdout, stderr)
        async with host.client:
            yield host
        await host.container.aclose()


@pytest.fixture
async def host() -> AsyncIterator[Host]:
    async with container("python") as host:
        yield host


@pytest.fixture
async def ready(host: Host) -> Host:
    assert (await host.init()).status_code == 200
    return host


async def test_init_is_fine_and_says_nothing(host: Host) -> None:
    response = await host.init()
    assert response.status_code == 200
    assert response.json() == {"ok": True}
    assert host.logs() == ("", "")


async def test_second_init(ready: Host) -> None:
    response = await ready.init()
    assert response.status_code == 403
    assert response.json() == {"error": INIT_TWICE}
    stdout, stderr = ready.logs()
    assert INIT_TWICE in stdout + stderr
    assert SENTINEL not in stdout + stderr
    assert len(ready.functions) == 1


@pytest.mark.parametrize(
    "body", [b"", b"{}", b'{"value":{}}', b'{"value":{"code":""}}', b'{"value":{"code":null}}', b"[]"]
)
async def test_init_without_code(host: Host, body: bytes) -> None:
    response = await host.client.post("/init", content=body)
    assert response.status_code == 403
    assert response.json() == {"error": "Missing main/no code to execute."}
    assert host.logs() == ("", "")
    assert (await host.init()).status_code == 200, "an init that failed was none"


@pytest.mark.parametrize(
    ("members", "named"),
    [
        ({"code": "def main(:\n"}, "SyntaxError"),
        ({"code": "x = 1\n"}, "main"),
        ({"code": "not base64!", "binary": True}, "base64"),
        ({"code": 5}, "string"),
        ({"main": 5}, "string"),
        ({"env": []}, "object"),
    ],
)
async def test_code_that_cannot_be_a_function(host: Host, members: dict[str, Any], named: str) -> None:
    response = await host.init(**members)
    assert response.status_code == 502
    reason = response.json()["error"].removeprefix(CANNOT_START)
    assert named in reason
    assert host.logs() == (f"{SENTINEL}\n", f"{reason}\n{SENTINEL}\n")
    assert host.functions == []


async def test_code_that_does_not_load(host: Host) -> None:
    host.script.start_error = errors.InitError("ImportError: no numpy", "Traceback: all of it")
    response = await host.init()
    assert response.status_code == 502
    assert "ImportError: no numpy" in response.json()["error"]
    assert host.logs() == (
        f"{SENTINEL}\n",
        f"Traceback: all of it\nImportError: no numpy\n{SENTINEL}\n",
    )
    assert host.functions[0].path is not None
    assert not host.functions[0].path.exists(), "its code is removed"
    host.script.start_error = None
    assert (await host.init()).status_code == 200


async def test_what_is_printed_while_loading_is_in_the_log_of_the_first_run(host: Host) -> None:
    host.script.start_output = ("loading", "with a warning\n")
    assert (await host.init()).status_code == 200
    assert host.logs() == ("loading\n", "with a warning\n")


async def test_what_is_printed_while_loading_is_in_the_log_of_an_init_that_fails(host: Host) -> None:
    host.script.start_output = ("loading\n", "")
    host.script.start_error = errors.SnapshotRefusedError("too much shared memory")
    assert (await host.init()).status_code == 502
    assert host.logs() == (f"loading\n{SENTINEL}\n", f"too much shared memory\n{SENTINEL}\n")


async def test_what_a_function_has_put_beside_its_code_is_removed_at_the_end(ready: Host) -> None:
    """Without a jail it may write there, also more folders in one another than Python's stack is deep."""
    (function,) = ready.functions
    assert function.path is not None
    at = os.open(function.path.parent, os.O_PATH)
    for _ in range(1500):
        os.mkdir("in", dir_fd=at)
        below = os.open("in", os.O_PATH, dir_fd=at)
        os.close(at)
        at = below
    os.close(at)
    await ready.container.aclose()
    assert not function.path.parent.exists()


async def test_code_that_is_gone_at_the_end(ready: Host, caplog: pytest.LogCaptureFixture) -> None:
    (function,) = ready.functions
    assert function.path is not None
    shutil.rmtree(function.path.parent)
    await ready.container.aclose()
    assert not caplog.records


async def test_the_code_is_removed_at_the_end(ready: Host) -> None:
    path = ready.functions[0].path
    assert path is not None
    assert path.read_text() == PYTHON
    await ready.container.aclose()
    assert not path.exists()
    assert ready.script.closed


async def test_nobody_waits_while_code_is_removed(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred thousand files take most of a minute. Neither probes nor signals may wait for that."""
    begun, goes_on = threading.Event(), threading.Event()

    def slow(folder: Path) -> None:
        begun.set()
        assert goes_on.wait(30)
        removal.remove(folder)

    monkeypatch.setattr(openwhisk, "remove", slow)
    monkeypatch.setattr(removal, "_PATIENCE_S", 0.2)
    host.script.start_error = errors.InitError("it does not load")
    answer = asyncio.create_task(host.init())
    await asyncio.to_thread(begun.wait, 30)
    assert (await host.client.get("/_/health")).status_code == 200
    assert (await answer).status_code == 502
    path = host.functions[0].path
    assert path is not None
    assert path.exists()
    await host.container.aclose()
    goes_on.set()
    ends = time.monotonic() + 30
    while path.parent.exists():  # by a thread that nobody waits for
        assert time.monotonic() < ends
        await asyncio.sleep(0.01)


async def test_an_archive_that_is_refused_leaves_nothing(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    code = base64.b64encode(ATTACKS["tar: CVE-2025-4517, a file"]).decode()
    response = await host.init(code, binary=True)
    assert response.status_code == 502
    assert response.json()["error"].startswith(
        f"{CANNOT_START}the action's archive cannot be unpacked: it has the path 'ddd"
    )
    assert host.logs() == (
        f"{SENTINEL}\n",
        response.json()["error"].removeprefix(CANNOT_START) + f"\n{SENTINEL}\n",
    )
    assert list(tmp_path.iterdir()) == []
    assert (await host.init()).status_code == 200, "the next one may be better"


async def test_the_end_of_the_server_ends_an_archive_s_unpacking(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = tmp_path / "started"
    os.mkfifo(started)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    monkeypatch.setattr(
        unpacker,
        "_CHILD",
        "import json, os, sys, time; order = json.loads(sys.argv[2])\n"
        f"os.mkdir('half', dir_fd=order['folder']); open({str(started)!r}, 'w').close(); time.sleep(600)\n",
    )
    code = base64.b64encode(zipped(PACKAGE)).decode()
    answer = asyncio.create_task(host.init(code, binary=True))
    await asyncio.to_thread(started.read_bytes)  # until the process has opened it, too
    assert [path.name for path in scratch.glob("*/*")] == ["half"]
    await host.container.aclose()
    assert list(scratch.iterdir()) == []
    response = await answer
    assert (response.status_code, response.json()) == (503, {"error": "the server is ending: send it again"})


async def test_a_request_that_is_cut_off_ends_an_archive_s_unpacking(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = tmp_path / "started"
    os.mkfifo(started)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    monkeypatch.setattr(
        unpacker, "_CHILD", f"import time; open({str(started)!r}, 'w').close(); time.sleep(600)"
    )
    answer = asyncio.create_task(host.init(base64.b64encode(zipped(PACKAGE)).decode(), binary=True))
    await asyncio.to_thread(started.read_bytes)
    answer.cancel()
    await asyncio.wait({answer})
    assert list(scratch.iterdir()) == []


async def test_env_keeps_empty_strings_and_encodes_the_rest(host: Host) -> None:
    await host.init(env={"NAME": "Ada", "EMPTY": "", "NUMBER": 1.5, "LIST": ["a"], "NULL": None, "YES": True})
    expected = {"NAME": "Ada", "EMPTY": "", "NUMBER": "1.5", "LIST": '["a"]', "NULL": "null", "YES": "true"}
    assert dict(host.functions[0].env) == expected


@pytest.mark.parametrize("env", [None, {}])
async def test_env_may_be_missing(host: Host, env: Any) -> None:
    assert (await host.init(env=env)).status_code == 200


async def test_another_entry_point(host: Host) -> None:
    await host.init("def niam(args):\n    return args\n", main="niam")
    assert host.functions[0].entry == "niam"


async def test_run_before_init(host: Host) -> None:
    response = await host.run()
    assert response.status_code == 500
    assert "initialized" in response.json()["error"]
    assert host.logs() == ("", "")


@pytest.mark.parametrize("value", [{"s": "string"}, {"u": "❄ ☃ ❄"}, [1, 2, 3], {"n": {"e": {"s": "ted"}}}])
async def test_run_echoes(ready: Host, value: Any) -> None:
    response = await ready.run(value)
    assert response.status_code == 200
    assert response.json() == value
    assert int(response.headers["content-length"]) == len(response.content)


async def test_logs_come_before_their_sentinel(ready: Host) -> None:
    ready.script.stdout, ready.script.stderr = "to stdout\n", "to stderr, no newline ❄"
    await ready.run()
    assert ready.logs() == (f"to stdout\n{SENTINEL}\n", f"to stderr, no newline ❄\n{SENTINEL}\n")
    ready.script.stdout = ready.script.stderr = ""
    await ready.run()
    assert ready.logs() == ENDED


@pytest.mark.parametrize(
    "printed",
    [
        f"{SENTINEL}\nsecret",
        f"{{{SENTINEL}}} secret",
        f"{SENTINEL[:-3]}{SENTINEL}{SENTINEL[3:]}",
        SENTINEL + SENTINEL[3:] + SENTINEL,
    ],
    ids=["line", "within a line", "overlapping", "often"],
)
async def test_no_function_ends_its_own_log(ready: Host, printed: str) -> None:
    """The platform takes what follows a sentinel, wherever in a line that stands, for the next caller's."""
    ready.script.stdout = ready.script.stderr = printed
    await ready.run()
    ready.script.error = errors.ProtocolError(f"the answer is not JSON: {printed}")
    ready.script.error.stdout = ready.script.error.stderr = printed
    await ready.run()
    for text in ready.logs():
        assert text.count(SENTINEL) == 2
        assert text.endswith(f"\n{SENTINEL}\n")


async def test_no_function_ends_the_log_of_its_first_run_while_it_is_loaded(host: Host) -> None:
    host.script.start_output = (SENTINEL, f"{SENTINEL}\n")
    assert (await host.init()).status_code == 200
    assert SENTINEL not in "".join(host.logs())


async def test_no_function_that_does_not_load_ends_its_own_log(host: Host) -> None:
    host.script.start_error = errors.InitError(f"{SENTINEL} in its last words", f"{SENTINEL}\nprinted")
    assert (await host.init()).status_code == 502
    assert [text.count(SENTINEL) for text in host.logs()] == [1, 1]


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (errors.ProtocolError("The action did not return a dictionary or array."), 502, None),
        (errors.FunctionExitedError("process 7 exited with status 1"), 400, "command exited"),
        (errors.FunctionTimeoutError("no answer within 60 s"), 504, None),
        (errors.PayloadTooLargeError("the answer is too long"), 502, None),
    ],
)
async def test_a_run_that_fails(
    ready: Host, error: errors.InvocationError, status: int, text: str | None
) -> None:
    error.stdout = "last words"
    ready.script.error = error
    response = await ready.run()
    assert response.status_code == status
    assert response.json() == {"error": text or str(error)}
    stdout, stderr = ready.logs()
    assert stdout == f"last words\n{SENTINEL}\n"
    # That it has ended stands in the answer alone, as with the platform's own runtimes.
    said = "" if text else f"{error}\n"
    assert stderr == f"{said}{SENTINEL}\n"


async def test_no_clean_worker_is_503(ready: Host) -> None:
    ready.script.ready = False
    response = await ready.run()
    assert response.status_code == 503
    assert "retry-after" in response.headers
    assert ready.script.queue == []
    assert ready.script.served == 0, "the platform sends it elsewhere: it must not run here too"
    assert ready.logs() == ENDED


async def test_a_run_that_a_process_got_while_the_pool_ends_is_not_sent_again(ready: Host) -> None:
    """A pool that takes no more is not ready, whatever its processes do: the function may have run."""
    came = asyncio.Event()

    class Queue(list["Job"]):
        def append(self, job: Job) -> None:
            super().append(job)
            came.set()

    ready.script.ready, ready.script.queue = False, Queue()
    running = asyncio.create_task(ready.run())
    await came.wait()
    job = ready.script.queue.pop()  # a replacement has come up, and got it
    await asyncio.wait({running}, timeout=0.2)  # longer than it waits for a replacement
    assert not running.done()
    job.future.set_exception(errors.CutOffError("the pool was closed"))
    response = await running
    assert response.status_code == 503
    assert "retry-after" not in response.headers


async def test_of_a_run_that_waits_only_its_text_is_kept(ready: Host) -> None:
    """As objects, 60 MB of empty lists take 1.8 GB, and a thousand runs may wait."""

    def found() -> int:
        return sum(type(its) is dict and "mark of a run" in its for its in gc.get_objects())

    class Queue(list["Job"]):
        def append(self, job: Job) -> None:
            super().append(job)
            loop.call_later(0.01, lambda: kept.set_result(found()))

    loop = asyncio.get_running_loop()
    kept: asyncio.Future[int] = loop.create_future()
    ready.script.ready, ready.script.queue = False, Queue()
    running = asyncio.create_task(ready.client.post("/run", content=b'{"value":{"mark of a run":[]}}'))
    assert await kept == 0
    ready.script.queue.pop().future.set_exception(errors.CutOffError("the pool was closed"))
    await running


async def test_a_worker_that_cannot_be_replaced_is_503(ready: Host) -> None:
    ready.script.error = errors.InitError("dies at start")
    assert (await ready.run()).status_code == 503
    assert ready.logs() == ENDED


async def test_the_whole_context_is_passed_on(ready: Host) -> None:
    context = {
        "namespace": "zzz",
        "action_name": "xxx",
        "action_version": "0.0.1",
        "activation_id": "iii",
        "transaction_id": "ttt",
        "deadline": "123",
        "api_key": "abc",
        "api_host": "h",
    }
    await ready.run({"a": 1}, **context, groundhog="noop", missing=None)
    made = ready.script.invocations[0]
    assert made.value == {"a": 1}
    assert made.context == context


@pytest.mark.parametrize(
    ("message", "key"),
    [({"api_key": "k", "namespace": "n"}, "api_key:k"), ({"namespace": "n"}, "namespace:n"), ({}, None)],
)
async def test_the_domain_is_who_calls(ready: Host, message: dict[str, str], key: str | None) -> None:
    await ready.run(**message)
    domain = ready.script.invocations[0].domain
    if key is None:
        assert domain is None
    else:
        kind, value = key.split(":")
        assert domain == f"{kind}:{hashlib.sha256(value.encode()).hexdigest()}"


@pytest.mark.parametrize(
    "others",
    [
        [{"api_key": "a?"}, {"api_key": "a\ud800"}, {"api_key": "a\ud801"}],
        [{"api_key": 7, "namespace": "n"}, {"api_key": ["8"], "namespace": "n"}],
    ],
    ids=["text that is none", "no text"],
)
async def test_no_two_who_call_differently_share_a_domain(ready: Host, others: list[dict[str, Any]]) -> None:
    for message in others:
        body = json.dumps({"value": {}, **message})  # httpx would not send half a surrogate pair
        assert (await ready.client.post("/run", content=body)).status_code == 200
    domains = [made.domain for made in ready.script.invocations if made.domain is not None]
    assert len(set(domains)) == len(domains)


async def test_a_deadline_shortens_the_time(ready: Host) -> None:
    await ready.run(deadline=str(int((time.time() + 30) * 1000)))
    timeout = ready.script.invocations[0].timeout
    assert timeout is not None
    assert 0 < timeout <= 30


@pytest.mark.parametrize("deadline", ["123", "soon", None, "9" * 400, str(2**62)])
async def test_a_deadline_that_says_nothing(ready: Host, deadline: Any) -> None:
    await ready.run(deadline=deadline)
    assert ready.script.invocations[0].timeout == Limits().timeout_s


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"5", 400),
        (b'{"value":5}', 400),
        (b'{"value":null}', 400),
        (b'{"value":"%b"}' % (b"x" * 2000), 413),
    ],
)
async def test_a_run_that_makes_no_sense(ready: Host, body: bytes, status: int) -> None:
    assert (await ready.client.post("/run", content=body)).status_code == status
    assert ready.script.invocations == []
    assert ready.logs() == ENDED, "it was an activation all the same"


async def test_a_run_that_goes_wrong_here(ready: Host) -> None:
    ready.script.answer = lambda params: params["missing"]
    assert (await ready.run()).status_code == 500
    assert ready.logs() == ENDED


@pytest.mark.parametrize(
    ("runtime", "raised", "status"),
    [("nodejs", True, 502), ("nodejs", False, 200), ("python", True, 200), ("command", False, 200)],
)
async def test_a_function_that_answers_an_error(runtime: Runtime, status: int, *, raised: bool) -> None:
    code = {"nodejs": "function main() {}", "python": PYTHON, "command": "#!/bin/sh\n"}[runtime]
    async with container(runtime) as host:
        host.script.answer = lambda _: {"error": "went wrong"}
        host.script.raised = raised
        assert (await host.init(code)).status_code == 200
        response = await host.run()
    assert response.status_code == status
    assert response.json() == {"error": "went wrong"}


async def test_ready_once_there_is_a_function(host: Host) -> None:
    assert (await host.client.get("/_/ready")).status_code == 503
    await host.init()
    assert (await host.client.get("/_/ready")).status_code == 200
    assert "groundhog_workers" in (await host.client.get("/_/metrics")).text
