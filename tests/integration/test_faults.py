"""What goes wrong in a function: its caller is told, the next is answered from clean state."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

import pytest

import groundhog
from groundhog import Function, Pool
from groundhog.config import Limits
from tests.framework.commands import is_gone

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Source = Callable[[str, str], Path]

pytestmark = [pytest.mark.kernel, pytest.mark.usefixtures("no_leaks")]

COUNTED = """
import os, resource, signal, sys, threading, time
calls = []

def main(params):
    calls.append(1)
    answer = {"calls": len(calls)}
    exec(params.get("do", ""), {**globals(), "answer": answer})
    return answer
"""


@pytest.fixture
def function(source: Source) -> Function:
    return Function.from_file(source("handler.py", COUNTED))


async def assert_clean(pool: Pool) -> None:
    for _ in range(2):
        assert (await pool.invoke({})).value == {"calls": 1}


# Each does something that no answer survives: what the caller gets, and the reason in the metrics.
FATAL = {
    "segmentation fault": ("os.kill(os.getpid(), signal.SIGSEGV)", groundhog.FunctionExitedError, "exited"),
    "exit": ("os._exit(1)", groundhog.FunctionExitedError, "exited"),
    "endless loop": ("while True: pass", groundhog.FunctionTimeoutError, "timeout"),
    "stopped": (
        "os.kill(os.getpid(), signal.SIGTSTP); time.sleep(60)",
        groundhog.FunctionTimeoutError,
        "timeout",
    ),
    "fork bomb": (
        "while True:\n  try: os.fork()\n  except OSError: pass",
        groundhog.FunctionExitedError,
        "exited",
    ),
    "thread bomb": (
        "threading.stack_size(65536)\nwhile True: threading.Thread(target=time.sleep, args=(60,)).start()",
        groundhog.FunctionExitedError,
        "exited",
    ),
    "half an answer": (
        "os.write(3, b'{\"calls\"'); time.sleep(60)",
        groundhog.FunctionTimeoutError,
        "timeout",
    ),
    "an answer without its end": ("os.write(3, b'{}'); os._exit(0)", groundhog.FunctionExitedError, "exited"),
    "no answer pipe": ("os.close(3); time.sleep(60)", groundhog.GroundhogError, None),
    "deaf": (
        """for n in range(1, 65):
            try: signal.signal(n, signal.SIG_IGN)
            except (OSError, ValueError): pass
for n in range(4): os.close(n)
time.sleep(60)""",
        groundhog.GroundhogError,
        None,
    ),
}


@pytest.mark.parametrize("fault", FATAL)
async def test_a_fault_costs_one_answer_and_nothing_else(function: Function, fault: str) -> None:
    do, error, reason = FATAL[fault]
    async with Pool(function, limits=Limits(timeout_s=3, tasks=64)) as pool:
        pids = pool.pids
        with pytest.raises(error):
            await pool.invoke({"do": do})
        await assert_clean(pool)
        retirements = pool.stats().retirements
        assert sum(retirements.values()) == 1
        assert reason is None or retirements == {reason: 1}
    assert all(is_gone(pid) for pid in pids)


async def test_too_many_processes_are_named(function: Function) -> None:
    async with Pool(function, limits=Limits(tasks=50)) as pool:
        with pytest.raises(
            groundhog.FunctionExitedError,
            match="killed, for it had started more than 50 processes and threads",
        ):
            await pool.invoke({"do": FATAL["fork bomb"][0]})
        await assert_clean(pool)


# Each leaves the process in a bad way, and answers.
SURVIVED = {
    "out of descriptors": (
        "try:\n  while True: os.open('/dev/null', 0)\nexcept OSError as e: answer['e'] = e.errno"
    ),
    "out of memory": (
        "resource.setrlimit(resource.RLIMIT_AS, (1 << 30, resource.RLIM_INFINITY))\n"
        "try: answer['e'] = len(bytearray(1 << 31))\nexcept MemoryError: answer['e'] = 12"
    ),
    "two answers": "os.write(3, b'{\"forged\": 1}\\n')",
    "much output": "sys.stdout.write('x' * (100 << 20)); answer['e'] = 0",
    "threads left": (
        "for _ in range(20): threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
        "answer['e'] = 0"
    ),
    "children left": "if os.fork() == 0: time.sleep(60)\nanswer['e'] = 0",
    "a late answer": (
        "def late():\n  time.sleep(0.01)\n  os.write(3, b'{\"late\": 1}\\n')\n"
        "threading.Thread(target=late).start()\nanswer['e'] = 0"
    ),
}


@pytest.mark.parametrize("fault", SURVIVED)
async def test_what_a_request_leaves_is_gone(function: Function, fault: str) -> None:
    async with Pool(function, limits=Limits(timeout_s=30)) as pool:
        for _ in range(3):
            try:
                value = (await pool.invoke({"do": SURVIVED[fault]})).value
            except groundhog.GroundhogError:
                assert fault == "two answers"
            else:
                assert isinstance(value, dict)
                assert value == {"forged": 1} if fault == "two answers" else value["calls"] == 1
            await assert_clean(pool)


@pytest.mark.parametrize("number", range(6))
async def test_killed_at_any_moment(function: Function, number: int) -> None:
    """From outside, in the middle of whatever it does: of a request or a restore."""
    async with Pool(function, workers=1) as pool:
        asked = [asyncio.create_task(pool.invoke({})) for _ in range(20)]
        for _ in range(number):
            await asyncio.sleep(0)
        for pid in pool.pids:
            os.kill(pid, signal.SIGKILL)
        answers = await asyncio.gather(*asked, return_exceptions=True)
        lost = [answer for answer in answers if isinstance(answer, BaseException)]
        assert all(isinstance(answer, groundhog.FunctionExitedError) for answer in lost)
        assert len(lost) <= 1
        assert all(reply.value == {"calls": 1} for reply in answers if not isinstance(reply, BaseException))
        await assert_clean(pool)


async def test_killed_while_it_starts(function: Function) -> None:
    """The start fails with a clear error, or the process is replaced; no request is lost."""
    pool = Pool(function)
    starting = asyncio.create_task(pool.start())
    while not pool.pids and not starting.done():  # noqa: ASYNC110 - no event tells of it so early
        await asyncio.sleep(0)
    for pid in pool.pids:
        os.kill(pid, signal.SIGKILL)
    with pytest.raises(groundhog.GroundhogError, match=r"killed by signal 9|has ended"):
        await starting
    await pool.aclose()
