"""Hooks of functions: before the snapshot, and after each restore."""

from __future__ import annotations

import contextlib
import socket
import sys
from typing import TYPE_CHECKING, Any

import pytest

from groundhog import Function, Limits, Pool
from groundhog.errors import FunctionTimeoutError, HookError, InitError
from tests.framework.commands import is_gone

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Source = Callable[[str, str], Path]

pytestmark = [pytest.mark.kernel, pytest.mark.usefixtures("no_leaks")]

PYTHON = """
import os, random
from PACKAGE import register_after_restore, register_before_snapshot

order = []
mine = random.Random()

@register_before_snapshot
def first():
    print("printed before the snapshot")
    order.append("before 1")

@register_before_snapshot
async def second():
    order.append("before 2")

register_before_snapshot(order.append, "before 3")
register_after_restore(mine.seed)
register_after_restore(order.append, "after 1")

@register_after_restore
async def last(*names):
    order.append("after 2")
    if os.path.exists("late"):
        while True: pass
    if os.path.exists("bad"):
        print("a hook is about to fail")
        raise ValueError("no credentials")

assert last.__name__ == "last"

def main(params):
    return {"order": " ".join(order), "mine": mine.random(), "pid": os.getpid()}
"""
NODE = """
const fs = require('fs');
const hooks = globalThis[Symbol.for('groundhog.hooks')];
const order = [];
let mine = 0;

const first = hooks.registerBeforeSnapshot(() => {
  console.log('printed before the snapshot');
  order.push('before 1');
});
hooks.registerBeforeSnapshot(async () => { await null; order.push('before 2'); });
hooks.registerBeforeSnapshot((name) => order.push(name), 'before 3');
hooks.registerAfterRestore(() => { mine = Math.random(); });
hooks.registerAfterRestore((name) => order.push(name), 'after 1');
hooks.registerAfterRestore(async () => {
  await new Promise((resolve) => setTimeout(resolve, 1));
  order.push('after 2');
  if (fs.existsSync('late')) await new Promise(() => setInterval(() => {}, 1000));
  if (fs.existsSync('bad')) {
    console.log('a hook is about to fail');
    throw new TypeError('no credentials');
  }
});
try { hooks.registerAfterRestore('no function'); } catch (error) { order.push(error.message); }
if (typeof first !== 'function') throw new Error('what is registered is handed back');

exports.main = () => ({ order: order.join(' '), mine, pid: process.pid });
"""
KINDS = {
    "the package of AWS": ("handler.py", PYTHON.replace("PACKAGE", "snapshot_restore_py")),
    "our own": ("handler.py", PYTHON.replace("PACKAGE", "groundhog.hooks")),
    "node": ("handler.js", NODE),
}
NAMES = {"handler.py": "ValueError: no credentials", "handler.js": "TypeError: no credentials"}


def function(source: Source, kind: str, **options: Any) -> Function:
    path = source(*KINDS[kind])
    return Function.from_file(path, cwd=path.parent, **options)


async def asked(pool: Pool) -> dict[str, Any]:
    value = (await pool.invoke({})).value
    assert isinstance(value, dict)
    return value


@pytest.mark.parametrize("kind", KINDS)
async def test_they_run_once_before_the_snapshot_and_once_after_each_restore(
    source: Source, kind: str
) -> None:
    async with Pool(function(source, kind)) as pool:
        replies = [await pool.invoke({}) for _ in range(100)]
        assert {reply.stdout for reply in replies} == {""}
        answers = [reply.value for reply in replies]
        assert pool.stats().retirements.keys() <= {"superseded"}
    refused = "a hook is a function, not string " if kind == "node" else ""
    assert {a["order"] for a in answers} == {f"{refused}before 3 before 2 before 1 after 1 after 2"}
    assert len({a["mine"] for a in answers}) == len(answers)
    assert len({a["pid"] for a in answers}) == 1


@pytest.mark.parametrize("kind", KINDS)
async def test_a_domain_that_is_served_again_has_no_restore_and_no_hooks(source: Source, kind: str) -> None:
    limits = Limits(domain_idle_s=60)
    async with Pool(function(source, kind), isolation="domain", limits=limits) as pool:
        first, again, other = [(await pool.invoke({}, domain=name)).value for name in ("a", "a", "b")]
    assert again["order"] == first["order"]
    assert other["order"] == first["order"]
    assert other["mine"] != first["mine"]


@pytest.mark.parametrize("kind", KINDS)
async def test_one_that_fails_costs_the_process_and_the_request(source: Source, kind: str) -> None:
    made = function(source, kind)
    assert made.cwd is not None
    async with Pool(made, jail="none") as pool:
        before = await asked(pool)
        (made.cwd / "bad").touch()
        with pytest.raises(HookError) as failed:
            await pool.invoke({})
        (made.cwd / "bad").unlink()
        assert str(failed.value) == f"a hook after the restore failed: {NAMES[KINDS[kind][0]]}"
        assert failed.value.stdout == "a hook is about to fail\n"
        assert "no credentials" in failed.value.stderr, "with its place in the code"
        after = await asked(pool)
        assert after["order"] == before["order"]
        assert is_gone(before["pid"])
        assert pool.stats().retirements["hook-failed"] == 1


@pytest.mark.parametrize("kind", KINDS)
async def test_one_that_never_ends_is_ended(source: Source, kind: str) -> None:
    made = function(source, kind)
    assert made.cwd is not None
    async with Pool(made, jail="none", limits=Limits(hooks_timeout_s=0.5)) as pool:
        before = await asked(pool)
        (made.cwd / "late").touch()
        with pytest.raises(FunctionTimeoutError, match=r"hooks after the restore took longer than 0\.5 s"):
            await pool.invoke({})
        (made.cwd / "late").unlink()
        assert (await asked(pool))["order"] == before["order"]
        assert is_gone(before["pid"])
        assert pool.stats().retirements["hooks-timeout"] == 1


@pytest.mark.parametrize("kind", KINDS)
async def test_their_limit_is_not_that_of_the_function(source: Source, kind: str) -> None:
    """A function may take longer than its hooks, and is ended by its own limit."""
    name, text = KINDS[kind]
    if name.endswith(".py"):
        text += "\nimport time\n_main = main\ndef main(p):\n    time.sleep(p['s'])\n    return _main(p)\n"
    else:
        text += (
            "\nconst main = exports.main;"
            "\nconst wait = (s) => new Promise((r) => setTimeout(r, s * 1000));"
            "\nexports.main = async (p) => { await wait(p.s); return main(); };\n"
        )
    async with Pool(Function.from_file(source(name, text)), limits=Limits(hooks_timeout_s=0.3)) as pool:
        assert (await pool.invoke({"s": 0.6})).value
        with pytest.raises(FunctionTimeoutError, match="the function did not answer within 1 s"):
            await pool.invoke({"s": 60}, timeout=1)


FAILING = {
    "handler.py": """
from snapshot_restore_py import REGISTER
REGISTER(int, "no number")
def main(params):
    return {}
""",
    "handler.js": """
const hooks = globalThis[Symbol.for('groundhog.hooks')];
hooks.REGISTER(() => { throw new RangeError('no number'); });
exports.main = () => ({});
""",
}


@pytest.mark.parametrize(
    ("name", "register", "said"),
    [
        ("handler.py", "register_before_snapshot", "a hook before the snapshot failed: ValueError: invalid"),
        ("handler.py", "register_after_restore", "a hook after the restore failed: ValueError: invalid"),
        ("handler.js", "registerBeforeSnapshot", "a hook before the snapshot failed: RangeError: no number"),
        ("handler.js", "registerAfterRestore", "a hook after the restore failed: RangeError: no number"),
    ],
)
async def test_one_that_always_fails_keeps_the_function_from_starting(
    source: Source, name: str, register: str, said: str
) -> None:
    with pytest.raises(InitError, match=said):
        async with Pool(Function.from_file(source(name, FAILING[name].replace("REGISTER", register)))):
            pass


async def test_what_aws_provides_is_provided(source: Source) -> None:
    """Its package is part of their runtime, so functions come without it; one that they bring goes first."""
    text = """
import snapshot_restore_py
def main(params):
    return {"file": snapshot_restore_py.__file__, "names": sorted(vars(snapshot_restore_py))}
"""
    path = source("handler.py", text)
    bare = (sys.executable, "-S")  # without site-packages
    async with Pool(Function.from_file(path, interpreter=bare)) as pool:
        value = await asked(pool)
        assert value["file"].endswith("groundhog/hooks.py")
        assert {"register_after_restore", "register_before_snapshot"} <= set(value["names"])
    own = "def get_before_snapshot(): return []\nget_after_restore = get_before_snapshot\n"
    brought = source("snapshot_restore_py.py", own)
    async with Pool(Function.from_file(path)) as pool:
        assert (await asked(pool))["file"] == str(brought)


@pytest.mark.parametrize("name", ["groundhog.hooks", "groundhog"])
async def test_an_interpreter_without_this_package_has_its_hooks(source: Source, name: str) -> None:
    path = source("handler.py", f"import {name}\ndef main(params): return {{'names': sorted(vars({name}))}}")
    bare = (sys.executable, "-S")  # without site-packages
    async with Pool(Function.from_file(path, interpreter=bare)) as pool:
        names = set((await asked(pool))["names"])
    assert ("register_before_restore" in names) == (name == "groundhog.hooks")
    assert not names & {"Pool", "main"}


# A thread of the load time, or the event loop, sends what requests hand to it, after a while.
SENDS = {
    "handler.py": """
import queue, socket, threading, time
from groundhog.hooks import register_before_restore

items, receiver = queue.Queue(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

def send():
    while True:
        item = items.get()
        time.sleep(0.05)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            out.sendto(item.encode(), ("127.0.0.1", PORT))
        items.task_done()

threading.Thread(target=send, daemon=True).start()
HOOK(items.join)

def main(params):
    items.put(params["item"])
    return {"waits": items.unfinished_tasks}
""",
    "handler.js": """
const dgram = require('dgram');
const waiting = new Set();

HOOK(async () => { await Promise.all(waiting); });

exports.main = ({ item }) => {
  waiting.add(new Promise((resolve) => setTimeout(() => {
    const socket = dgram.createSocket('udp4');
    socket.send(item, PORT, '127.0.0.1', () => { socket.close(); resolve(); });
  }, 50)));
  return { waits: waiting.size };
};
""",
}
REGISTER = {
    "handler.py": "register_before_restore",
    "handler.js": "globalThis[Symbol.for('groundhog.hooks')].registerBeforeRestore",
}
NOTHING = {"handler.py": "str", "handler.js": "((call) => call)"}


async def items_sent(source: Source, name: str, hook: str) -> list[str]:
    """What arrives of what three requests hand over."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.setblocking(False)
        text = SENDS[name].replace("PORT", str(receiver.getsockname()[1])).replace("HOOK(", f"{hook}(")
        async with Pool(Function.from_file(source(name, text))) as pool:
            replies = [await pool.invoke({"item": f"event {number}"}) for number in range(3)]
            assert [reply.value for reply in replies] == [{"waits": 1}] * 3
            assert pool.stats().retirements.keys() <= {"superseded"}
        arrived = []
        with contextlib.suppress(BlockingIOError):
            while True:
                arrived.append(receiver.recv(100).decode())
        return arrived


@pytest.mark.parametrize("name", SENDS)
async def test_what_waits_to_be_sent_is_lost_but_for_a_hook_before_the_restore(
    source: Source, name: str
) -> None:
    assert await items_sent(source, name, NOTHING[name]) == []
    assert await items_sent(source, name, REGISTER[name]) == ["event 0", "event 1", "event 2"]
