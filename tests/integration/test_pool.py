"""Pools over the real engine: Python, Node and foreign programs, reverted after every request."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from typing import TYPE_CHECKING, Any

import pytest

import groundhog
from groundhog import Function, Limits, Pool
from tests.framework.commands import is_gone

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Source = Callable[[str, str], Path]

pytestmark = [pytest.mark.kernel, pytest.mark.usefixtures("no_leaks")]
MIB = 1 << 20

PYTHON = """
seen = []
def main(params):
    seen.append(params.get("name"))
    print("hello", params.get("name"))
    return {"seen": seen[:-1], "name": params.get("name")}
"""
ASYNC_PYTHON = """
import asyncio
seen = []
async def main(event, context):
    seen.append(event.get("name"))
    await asyncio.sleep(0)
    print("hello", event.get("name"))
    return {"seen": seen[:-1], "name": event.get("name")}
"""
NODE = """
const seen = [];
function main(params) {
  seen.push(params.name);
  console.log('hello', params.name);
  return {seen: seen.slice(0, -1), name: params.name};
}
"""
ASYNC_NODE = """
const seen = [];
export async function main(params) {
  seen.push(params.name);
  await new Promise((resolve) => setTimeout(resolve, 1));
  console.log('hello', params.name);
  return {seen: seen.slice(0, -1), name: params.name};
}
"""
FOREIGN = """
import json, os, sys
seen = []
while line := sys.stdin.readline():
    name = json.loads(line)["value"].get("name")
    print("hello", name, flush=True)
    os.write(3, json.dumps({"seen": seen, "name": name}).encode() + b"\\n")
    seen.append(name)
"""
HANDLERS = {
    "handler.py": PYTHON,
    "async.py": ASYNC_PYTHON,
    "handler.js": NODE,
    "async.mjs": ASYNC_NODE,
    "foreign": FOREIGN,
}


class Recorder(groundhog.NullObserver):
    def __init__(self) -> None:
        self.reports: list[groundhog.RestoreReport] = []
        self.retired: list[tuple[str, str]] = []
        self.changed = asyncio.Event()

    def on_restore(self, report: Any) -> None:
        self.reports.append(report)
        self.changed.set()

    def on_retire(self, reason: str, message: str) -> None:
        self.retired.append((reason, message))
        self.changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self.changed.clear()
            await self.changed.wait()


@pytest.fixture(params=sorted(HANDLERS))
def function(request: pytest.FixtureRequest, source: Source) -> Function:
    path = source(request.param, HANDLERS[request.param])
    if request.param == "foreign":
        return Function.from_command([sys.executable, path])
    return Function.from_file(path)


@pytest.mark.parametrize("verify", [False, True])
async def test_every_request_is_the_first(function: Function, *, verify: bool) -> None:
    recorder = Recorder()
    async with Pool(function, verify=verify, observer=recorder) as pool:
        for number in range(100):
            reply = await pool.invoke({"name": f"user{number}"})
            assert reply.value == {"seen": [], "name": f"user{number}"}
            assert reply.stdout == f"hello user{number}\n"
            assert reply.stderr == ""
        await recorder.until(lambda: len(recorder.reports) >= 100 or bool(recorder.retired))
        pids = pool.pids
    assert {reason for reason, _ in recorder.retired} <= {"superseded"}
    assert all(report.verified is verify for report in recorder.reports)
    assert all(is_gone(pid) for pid in pids)


async def test_without_isolation_it_would_leak(function: Function) -> None:
    async with Pool(function, isolation="off") as pool:
        await pool.invoke({"name": "Ada"})
        assert (await pool.invoke({"name": "Bob"})).value == {"seen": ["Ada"], "name": "Bob"}


async def test_a_domain_sees_itself_and_nobody_else(function: Function) -> None:
    limits = Limits(domain_idle_s=60)
    async with Pool(function, isolation="domain", limits=limits) as pool:
        assert (await pool.invoke({"name": "Ada"}, domain="a")).value["seen"] == []
        assert (await pool.invoke({"name": "Ada"}, domain="a")).value["seen"] == ["Ada"]
        assert (await pool.invoke({"name": "Bob"}, domain="b")).value["seen"] == []
        assert (await pool.invoke({"name": "Cy"})).value["seen"] == []
        assert (await pool.invoke({"name": "Cy"})).value["seen"] == []


async def test_warm_up_is_part_of_every_request_that_follows(source: Source) -> None:
    function = Function.from_file(source("h.py", PYTHON), warmup=[{"name": "warm"}])
    async with Pool(function) as pool:
        for _ in range(3):
            assert (await pool.invoke({"name": "Ada"})).value["seen"] == ["warm"]


async def test_several_workers_at_once(function: Function) -> None:
    async with Pool(function, workers=3) as pool:
        replies = await asyncio.gather(*(pool.invoke({"name": f"user{n}"}) for n in range(60)))
        assert [reply.value for reply in replies] == [{"seen": [], "name": f"user{n}"} for n in range(60)]


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("echo.py", MIB),
        ("echo.py", 40 * MIB),
        ("echo.js", MIB),
        pytest.param("echo.js", 40 * MIB, marks=pytest.mark.slow),
    ],
)
async def test_large_payloads_both_ways(source: Source, name: str, size: int) -> None:
    text = {"echo.py": "def main(p):\n    return p\n", "echo.js": "module.exports = (p) => p;\n"}[name]
    async with Pool(Function.from_file(source(name, text))) as pool:
        for letter in "ab":
            value = {"data": letter * size}
            reply = await pool.invoke(value)
            assert reply.value == value
        assert (await pool.invoke({})).value == {}
        assert pool.stats().retirements == {}


@pytest.mark.parametrize(
    ("name", "text", "error"),
    [
        ("h.py", "def main(p):\n    raise ValueError('no user')\n", "no user"),
        ("h.js", "module.exports = () => { throw new Error('no user'); };\n", "no user"),
    ],
)
async def test_a_handler_that_raises(source: Source, name: str, text: str, error: str) -> None:
    recorder = Recorder()
    async with Pool(Function.from_file(source(name, text)), observer=recorder) as pool:
        for _ in range(3):
            reply = await pool.invoke({})
            assert reply.value == {"error": error}
            assert error in reply.stderr
    assert {reason for reason, _ in recorder.retired} <= {"superseded"}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("h.py", "import os\ndef main(p):\n    if p:\n        os._exit(3)\n    return {}\n"),
        ("h.py", "import sys\ndef main(p):\n    if p:\n        sys.exit(3)\n    return {}\n"),
        ("h.py", "import os\ndef main(p):\n    if p:\n        os.kill(os.getpid(), 11)\n    return {}\n"),
        ("h.js", "module.exports = (p) => { if (p.die) process.exit(3); return {}; };\n"),
        ("h.js", "module.exports = (p) => { if (p.die) process.abort(); return {}; };\n"),
    ],
)
async def test_a_process_that_dies_is_replaced(source: Source, name: str, text: str) -> None:
    async with Pool(Function.from_file(source(name, text))) as pool:
        for _ in range(2):
            with pytest.raises(groundhog.FunctionExitedError, match="command exited"):
                await pool.invoke({"die": True})
            assert (await pool.invoke({})).value == {}
        assert pool.stats().retirements == {"exited": 2}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("h.py", "def main(p):\n    while p: pass\n    return {}\n"),
        ("h.js", "module.exports = (p) => { while (p.hang); return {}; };\n"),
        ("h.js", "module.exports = (p) => p.hang ? new Promise(() => setInterval(() => 1, 1000)) : {};\n"),
    ],
)
async def test_a_request_that_hangs_is_ended(source: Source, name: str, text: str) -> None:
    async with Pool(Function.from_file(source(name, text))) as pool:
        pids = pool.pids
        with pytest.raises(groundhog.FunctionTimeoutError):
            await pool.invoke({"hang": True}, timeout=0.2)
        assert (await pool.invoke({})).value == {}
        assert pool.stats().retirements == {"timeout": 1}
    assert all(is_gone(pid) for pid in pids)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        (
            "h.py",
            "import nowhere\ndef main(p): ...\n",
            "ModuleNotFoundError: No module named 'nowhere' (h.py, line 1)",
        ),
        ("h.js", "\nfunction main( {\n", "SyntaxError: "),
        ("h.js", "exports.other = 1;\n", "TypeError: h.js neither exports nor defines a function 'main'"),
    ],
)
async def test_code_that_does_not_load(source: Source, name: str, text: str, expected: str) -> None:
    pool = Pool(Function.from_file(source(name, text)), workers=2)
    with pytest.raises(groundhog.InitError) as caught:
        await pool.start()
    assert str(caught.value).startswith(expected)
    assert pool.pids == []


async def test_a_program_that_is_no_program(source: Source) -> None:
    path = source("broken", "#!/no/such/interpreter\n")
    path.chmod(0o755)
    with pytest.raises(groundhog.SpawnError):
        await Pool(Function.from_command([path])).start()


async def test_a_process_that_stops_itself(source: Source) -> None:
    """It goes on, or it does not and its time runs out: the next request is served in any case."""
    text = "import os\ndef main(p):\n    if p:\n        os.kill(os.getpid(), 19)\n    return {}\n"
    async with Pool(Function.from_file(source("h.py", text))) as pool:
        with contextlib.suppress(groundhog.FunctionTimeoutError):
            assert (await pool.invoke({"stop": True}, timeout=0.5)).value == {}
        assert (await pool.invoke({})).value == {}


async def test_much_output(source: Source) -> None:
    text = "def main(p):\n    for _ in range(3000):\n        print('x' * 999)\n    return {}\n"
    limits = Limits(log_bytes=MIB)
    async with Pool(Function.from_file(source("h.py", text)), limits=limits) as pool:
        for _ in range(3):
            reply = await pool.invoke({})
            assert len(reply.stdout.splitlines()) == MIB // 1000 + 2
            assert reply.stdout.endswith(" further bytes of output were dropped]\n")


async def test_a_late_answer_never_reaches_another_caller(source: Source) -> None:
    text = (
        "import os, threading\n"
        "def late():\n"
        "    while True:\n"
        "        os.write(3, b'{\"late\": 1}\\n')\n"
        "def main(p):\n"
        "    if p.get('late'):\n"
        "        threading.Thread(target=late, daemon=True).start()\n"
        "    return {'mine': p}\n"
    )
    async with Pool(Function.from_file(source("h.py", text))) as pool:
        for number in range(20):
            try:
                reply = await pool.invoke({"late": True})
            except groundhog.ProtocolError:
                pass  # both lines were read at once
            else:
                assert reply.value in ({"mine": {"late": True}}, {"late": 1}), (
                    "only its own caller can be fooled"
                )
            assert (await pool.invoke({"n": number})).value == {"mine": {"n": number}}


async def test_an_idle_process_that_is_killed_is_replaced(source: Source) -> None:
    recorder = Recorder()
    async with Pool(Function.from_file(source("h.py", PYTHON)), observer=recorder) as pool:
        os.kill(pool.pids[0], signal.SIGKILL)
        await recorder.until(lambda: bool(recorder.retired))
        assert (await pool.invoke({"name": "Ada"})).value["seen"] == []


@pytest.mark.parametrize("strategy", ["hot", "classic", "copy"])
async def test_strategies_by_name(source: Source, strategy: str) -> None:
    recorder = Recorder()
    pool = Pool(Function.from_file(source("h.py", PYTHON)), strategy=strategy, verify=True, observer=recorder)
    async with pool:
        for _ in range(10):
            assert (await pool.invoke({"name": "Ada"})).value["seen"] == []
    assert {report.strategy for report in recorder.reports} == {strategy}


async def test_a_strategy_that_is_none(source: Source) -> None:
    with pytest.raises(groundhog.GroundhogError, match="guessing"):
        await Pool(Function.from_file(source("h.py", PYTHON)), strategy="guessing").start()


async def test_nothing_is_left_when_the_supervisor_is_killed(source: Source, tmp_path: Path) -> None:
    handler = source("h.py", PYTHON)
    program = source(
        "supervisor.py",
        "import asyncio, sys, groundhog\n"
        "async def main():\n"
        "    async with groundhog.Pool(groundhog.Function.from_file(sys.argv[1]), workers=2) as pool:\n"
        "        await pool.invoke({'name': 'Ada'})\n"
        "        print(*pool.pids, flush=True)\n"
        "        await asyncio.Event().wait()\n"
        "asyncio.run(main())\n",
    )
    supervisor = await asyncio.create_subprocess_exec(
        sys.executable, program, handler, stdout=asyncio.subprocess.PIPE, cwd=tmp_path
    )
    assert supervisor.stdout is not None
    pids = [int(word) for word in (await supervisor.stdout.readline()).split()]
    assert len(pids) == 2
    pidfds = [os.pidfd_open(pid) for pid in pids]
    supervisor.kill()
    await supervisor.wait()
    loop = asyncio.get_running_loop()
    for fd in pidfds:
        ended = asyncio.Event()
        loop.add_reader(fd, ended.set)
        await asyncio.wait_for(ended.wait(), 30)
        loop.remove_reader(fd)
        os.close(fd)


def test_the_tools_that_these_tests_need_are_there() -> None:
    assert shutil.which("node") is not None
