"""Functions whose library does not connect again: a connection at load, and no further provision."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from groundhog import Function, Pool
from groundhog.observer import Endings
from tests.framework import postgres
from tests.framework.commands import groundhog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Source = Callable[[str, str], Path]

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.long,
    pytest.mark.usefixtures("no_leaks"),
    pytest.mark.xdist_group("postgres"),
]

FRAGILE = """
import psycopg

connection = psycopg.connect(ADDRESS, autocommit=True)

def main(params):
    before = connection.execute("SELECT current_setting('app.caller', true)").fetchone()[0]
    connection.execute("SELECT set_config('app.caller', %s, false)", [params.get("caller", "warm-up")])
    product = connection.execute("SELECT %s::int * %s::int", [params.get("n", 0), 7]).fetchone()[0]
    return {"product": product, "before": before or None}
"""
SEEDS = """
import random
from groundhog.hooks import register_after_restore

register_after_restore(random.seed)
"""
RECONNECTS = """
from groundhog.hooks import register_after_restore

@register_after_restore
def connect():
    global connection
    connection = psycopg.connect(ADDRESS, autocommit=True)
"""
CATCHES = """
import psycopg

connection = psycopg.connect(ADDRESS, autocommit=True)

def main(params):
    try:
        return {"rows": connection.execute("SELECT 1").fetchone()[0]}
    except psycopg.Error:
        return {"rows": None}
"""
CONNECTS_AGAIN = """
import os
import psycopg

def connect():
    return psycopg.connect(ADDRESS, autocommit=True)

connection = connect()

def main(params):
    global connection
    try:
        row = connection.execute("SELECT 7").fetchone()
    except psycopg.OperationalError:
        connection = connect()
        row = connection.execute("SELECT 7").fetchone()
    return {"row": row[0], "pid": os.getpid()}
"""

BUSY = """
const net = require('net');

const connection = net.connect(PORT, '127.0.0.1');
const began = Date.now();
const timer = setInterval(() => {
  connection.write('beat\\n');
  if (Date.now() - began > BUSY_MS) clearInterval(timer);
}, 1);
let echoed = 0;
connection.on('data', (bytes) => { echoed += bytes.length; }).on('error', () => {});

exports.main = async () => {
  const before = echoed;
  const heard = new Promise((resolve) => connection.once('data', resolve).once('close', resolve));
  connection.write('a request\\n');
  await heard;
  return { alive: echoed > before };
};
"""
"""Beats on its connection by itself, for a while after it was loaded."""
ECHO = """
import socketserver

class Echo(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(line)

with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo) as server:
    server.daemon_threads = True
    print(server.server_address[1], flush=True)
    server.serve_forever()
"""


@pytest.fixture
def echo_port() -> Iterator[int]:
    """Of a process of its own: connections to the supervisor itself are not shut down."""
    with subprocess.Popen([sys.executable, "-c", ECHO], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline())
        finally:
            process.terminate()


@pytest.mark.parametrize("busy_s", [0.06, 3600])
@pytest.mark.parametrize("connections", ["auto", "replace"])
async def test_one_that_is_used_without_a_request(
    source: Source, echo_port: int, busy_s: float, connections: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process whose connection was shut before its first request serves none."""
    if busy_s > 1:
        monkeypatch.setattr("groundhog.worker.connections._PATIENCE_S", (0.0, 0.01))
    text = BUSY.replace("PORT", str(echo_port)).replace("BUSY_MS", str(busy_s * 1000))
    async with Pool(
        Function.from_file(source("handler.js", text)), workers=1, connections=connections
    ) as pool:
        answers = [(await pool.invoke({})).value for _ in range(4)]
        assert answers == [{"alive": True}] * 4
        assert pool.stats().retirements.keys() == {"connections-used"}
        assert "Processes are replaced" in pool.stats().connections
        if busy_s > 1 and connections == "auto":
            assert "uses such a connection without a request, too" in pool.stats().connections


BEATS = """
import socket, threading, time

connection = socket.create_connection(("127.0.0.1", PORT))
answers = connection.makefile("rb")
lock = threading.Lock()

def ask():
    with lock:
        connection.sendall(b"a question\\n")
        if not answers.readline():
            raise ConnectionError("gone")

def beat():
    for _ in range(COUNT):
        time.sleep(PAUSE_S)
        ask()

threading.Thread(target=beat, daemon=True).start()
"""
HANDLER = """
def main(params):
    ask()
    return {"alive": True}
"""
COMMAND = """
import sys

for line in sys.stdin:
    ask()
    with open("/proc/self/fd/3", "w") as answer:
        answer.write('{"alive": true}\\n')
"""


@pytest.mark.parametrize(
    ("count", "pause_s", "rest", "is_command"),
    [
        (200, 0.001, SEEDS + HANDLER, False),
        (10**9, 0.0005, COMMAND, True),
    ],
    ids=["hooks that have to do with something else", "a command"],
)
async def test_one_that_is_used_by_a_thread(
    source: Source, echo_port: int, count: int, pause_s: float, rest: str, is_command: bool
) -> None:
    text = BEATS.replace("PORT", str(echo_port)).replace("COUNT", str(count)).replace("PAUSE_S", str(pause_s))
    path = source("handler.py", text + rest)
    command = [sys.executable, str(path)]
    function = Function.from_command(command) if is_command else Function.from_file(path)
    async with Pool(function) as pool:
        assert [(await pool.invoke({})).value for _ in range(4)] == [{"alive": True}] * 4


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with postgres.running() as running:
        yield running


@pytest.fixture
def write(address: str, source: Source) -> Callable[[str], Path]:
    return lambda text: source("handler.py", f"ADDRESS = {address!r}\n{text}")


async def multiplied(pool: Pool, count: int) -> list[Any]:
    return [(await pool.invoke({"n": n, "caller": f"caller{n}"})).value for n in range(count)]


async def test_with_its_connection_shut_such_a_function_fails(write: Callable[[str], Path]) -> None:
    async with Pool(Function.from_file(write(FRAGILE)), connections="shut") as pool:
        values = await multiplied(pool, 3)
    assert values[0] == {"product": 0, "before": None}
    assert all(value.keys() == {"error"} for value in values[1:])


async def test_without_isolation_it_remembers_callers(write: Callable[[str], Path]) -> None:
    async with Pool(Function.from_file(write(FRAGILE)), isolation="off") as pool:
        values = await multiplied(pool, 3)
    assert [value["before"] for value in values] == [None, "caller0", "caller1"]


@pytest.mark.parametrize("warmup", [[], [{}]], ids=["no warm-up", "warm-up"])
async def test_it_answers_rightly_unchanged(write: Callable[[str], Path], warmup: list[Any]) -> None:
    function = Function.from_file(write(FRAGILE), warmup=warmup)
    async with Pool(function, observer=(seen := Endings())) as pool:
        values = await multiplied(pool, 8)
        said = pool.stats().connections
    # What the warm-up leaves at the server is there for all, as without isolation.
    before = "warm-up" if warmup else None
    assert values == [{"product": 7 * n, "before": before} for n in range(8)]
    used = "connections-used: a request used connections that were opened before it"
    reasons = [event for event in seen.known() if isinstance(event, str)]
    assert reasons[-6:] == [used] * 6, "the last two may still be under way: there is a spare one"
    assert ("warm-up request 1 failed" in said) == bool(warmup)


@pytest.mark.parametrize("hooks", ["lazy", "eager"])
async def test_a_hook_counts_that_connects_again(write: Callable[[str], Path], hooks: str) -> None:
    """Any other does not: later requests would fail, and tell that an earlier one had used the connection."""
    for hook, replaced in ((SEEDS, True), (RECONNECTS, False)):
        async with Pool(Function.from_file(write(FRAGILE + hook)), hooks=hooks) as pool:
            values = await multiplied(pool, 5)
            assert values == [{"product": 7 * n, "before": None} for n in range(5)]
            assert ("connections-used" in pool.stats().retirements) == replaced


@pytest.mark.slow
@pytest.mark.timeout(1800)
async def test_it_does_so_for_a_thousand_requests(write: Callable[[str], Path]) -> None:
    async with Pool(Function.from_file(write(FRAGILE), warmup=[{}]), 2) as pool:
        values = await multiplied(pool, 1000)
    assert values == [{"product": 7 * n, "before": "warm-up"} for n in range(1000)]


async def test_an_error_that_is_caught_is_seen_by_the_answer(write: Callable[[str], Path]) -> None:
    async with Pool(Function.from_file(write(CATCHES), warmup=[{}])) as pool:
        assert [(await pool.invoke({})).value for _ in range(3)] == [{"rows": 1}] * 3
        assert """answered by '{"rows":null}' instead of '{"rows":1}'""" in pool.stats().connections


async def test_one_that_connects_again_keeps_its_process(write: Callable[[str], Path]) -> None:
    async with Pool(Function.from_file(write(CONNECTS_AGAIN), warmup=[{}])) as pool:
        values = [(await pool.invoke({})).value for _ in range(10)]
        assert pool.stats().retirements.keys() <= {"superseded"}
        assert "serve on" in pool.stats().connections
    assert {value["row"] for value in values} == {7}


def test_invoke_says_what_becomes_of_them(write: Callable[[str], Path]) -> None:
    path = str(write(FRAGILE))
    done = groundhog("invoke", path, "-n", "3", "--warmup", "{}", "--payload", '{"n": 6}')
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('{"product": 42, "before": "warm-up"}') == 3
    assert "retired after call 1: connections-used: a request used connections" in done.stderr
    assert "with such a connection shut down, warm-up request 1 failed" in done.stderr
    assert "connect in the request, or in a hook after the restore" in " ".join(done.stderr.split())
    shut = groundhog("invoke", path, "-n", "2", "--json", "--connections", "shut")
    assert shut.returncode == 1
    lines = [json.loads(line) for line in shut.stdout.splitlines()]
    assert lines[1]["value"].keys() == {"error"}
    assert lines[1]["connections"].endswith("serve on: so it is configured.")


def test_the_audit_says_what_becomes_of_them(write: Callable[[str], Path], tmp_path: Path) -> None:
    payloads = tmp_path / "payloads.jsonl"
    payloads.write_text('{"n": 1}\n', encoding="utf-8")
    done = groundhog("audit", str(write(FRAGILE)), "--payloads", str(payloads), "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert [request["said"]["answer"] for request in report["requests"]][:2] == [
        '{"before": null, "product": 7}',
        '{"before": null, "product": 7}',
    ]
    assert all(request["retired"].startswith("connections-used") for request in report["requests"])
    assert "without a warm-up, whether the function connects again is unknown" in report["connections"]
