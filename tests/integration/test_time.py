"""Clocks go on, and what was kept of them is that of the snapshot."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from groundhog import Function, Pool

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = [pytest.mark.kernel, pytest.mark.usefixtures("no_leaks")]

LOOP_TIMER = """
let fired = 0;
setTimeout(() => { fired++; }, 1000);
exports.main = async () => { await new Promise((done) => setTimeout(done, 1)); return { fired }; };
"""
THREAD_TIMER = """
import threading
fired = threading.Event()
timer = threading.Timer(1, fired.set)
timer.start()
def main(params):
    timer.join(0.05)
    return {"fired": fired.is_set()}
"""
CLOCKS = """
import time
kept = time.time(), time.monotonic()
def main(params):
    return {"kept": kept, "now": [time.time(), time.monotonic()]}
"""
LONG_S = 60


async def answers_until(pool: Pool, done: Callable[[Any], bool]) -> list[Any]:
    """Answers, the last of which is the first that this holds of."""
    answers: list[Any] = []
    deadline = time.monotonic() + LONG_S
    while not answers or not done(answers[-1]):
        assert time.monotonic() < deadline
        answers.append((await pool.invoke({})).value)
    return answers


async def test_a_timer_of_an_event_loop_goes_off_in_every_request(source: Callable[[str, str], Path]) -> None:
    """Once its time has come, and once in each: it is pending again in the snapshot."""
    async with Pool(Function.from_file(source("handler.js", LOOP_TIMER))) as pool:
        answers = await answers_until(pool, lambda answer: answer["fired"] > 0)
        answers += [(await pool.invoke({})).value for _ in range(5)]
    assert [answer["fired"] for answer in answers[-6:]] == [1] * 6


async def test_a_timer_that_is_a_thread_goes_off_in_every_request(source: Callable[[str, str], Path]) -> None:
    """Its thread ends then, and waits again in the next one."""
    async with Pool(Function.from_file(source("handler.py", THREAD_TIMER)), workers=1) as pool:
        await answers_until(pool, lambda answer: answer["fired"])
        answers = [(await pool.invoke({})).value for _ in range(5)]
        assert pool.stats().retirements == {}
    assert answers == [{"fired": True}] * 5


async def test_clocks_go_on_and_what_was_kept_of_them_does_not(source: Callable[[str, str], Path]) -> None:
    async with Pool(Function.from_file(source("handler.py", CLOCKS))) as pool:
        answers: list[Any] = []
        for _ in range(5):
            before = [time.time(), time.monotonic()]
            answers.append((await pool.invoke({})).value)
            between = zip(before, answers[-1]["now"], [time.time(), time.monotonic()], strict=True)
            assert all(first <= now <= last for first, now, last in between)
    assert all(answer["kept"] == answers[0]["kept"] for answer in answers)
