"""A signal ends a command's coroutine between its steps, and lets it close what it has opened."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from groundhog.cli import Ended
from groundhog.cli.running import run
from tests.framework.commands import full_pipe


class Work:
    """Works, and closes in a task of its own, as a pool does; signals come before or while it closes."""

    def __init__(self, working: list[int], closing: list[int]) -> None:
        self.closed = False
        self._working, self._closing = working, closing

    async def __call__(self) -> str:
        try:
            for number in self._working:
                os.kill(os.getpid(), number)
                await asyncio.sleep(0)
            if self._working:
                await asyncio.sleep(60)
        finally:
            await asyncio.shield(asyncio.create_task(self._close()))
        return "done"

    async def _close(self) -> None:
        for number in self._closing:
            os.kill(os.getpid(), number)
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.01)
        self.closed = True


def test_a_signal_that_comes_to_another_thread_is_handled_at_once() -> None:
    """As while the main thread starts one, which the C library does with all signals blocked."""

    async def wait() -> None:
        def send() -> None:
            time.sleep(0.2)  # until the loop waits: nothing tells
            signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

        # When the loop waits for nothing but the end of the minute, as far as one can tell.
        asyncio.get_running_loop().call_later(0.05, threading.Thread(target=send).start)
        await asyncio.sleep(20)

    begun = time.monotonic()
    with pytest.raises(Ended) as caught:
        run(wait())
    assert caught.value.number == signal.SIGTERM
    assert time.monotonic() - begun < 10


@pytest.mark.parametrize(
    ("working", "closing"),
    [
        ([signal.SIGTERM], []),
        ([signal.SIGHUP], []),
        ([signal.SIGINT], []),
        ([signal.SIGINT], [signal.SIGTERM, signal.SIGHUP]),
        ([signal.SIGHUP, signal.SIGHUP], [signal.SIGHUP]),
        ([], [signal.SIGTERM]),
        ([], [signal.SIGINT, signal.SIGTERM]),
    ],
)
def test_it_closes_first(working: list[int], closing: list[int]) -> None:
    work = Work(working, closing)
    with pytest.raises(Ended) as caught:
        run(work())
    assert caught.value.number == (working + closing)[0]
    assert work.closed


def test_interrupting_it_twice_ends_it_at_once() -> None:
    work = Work([signal.SIGTERM], [signal.SIGINT])
    with pytest.raises(Ended):
        run(work())
    assert not work.closed


def test_interrupting_it_twice_ends_also_a_long_step() -> None:
    steps = []

    async def work() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        steps.append("one")
        os.kill(os.getpid(), signal.SIGINT)
        steps.append("two")

    with pytest.raises(Ended):
        run(work())
    assert steps == ["one"]


def test_a_signal_in_the_last_step_counts() -> None:
    async def work() -> str:
        os.kill(os.getpid(), signal.SIGINT)
        return "done"

    with pytest.raises(Ended):
        run(work())


def test_an_error_while_it_closes_does_not_hide_the_signal() -> None:
    async def work() -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.sleep(60)
        finally:
            raise ValueError

    with pytest.raises(Ended) as caught:
        run(work())
    assert caught.value.number == signal.SIGTERM


NEVER_ENDS = """
import asyncio, os, signal
from groundhog.cli import running

async def work():
    os.kill(os.getpid(), signal.SIGTERM)
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            pass

running._ENDING_S = 0.2
running.run(work())
"""
ENDS_BUT_FOR_WHAT_IT_PRINTS = """
import asyncio, atexit, os, signal, threading
from groundhog.cli import Ended, running

async def work():
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.sleep(60)

atexit.register(threading.Event().wait)  # as for a reader
running._ENDING_S = 0.5
try:
    running.run(work())
except Ended:
    print("ended")
"""


@pytest.mark.parametrize("program", [NEVER_ENDS, ENDS_BUT_FOR_WHAT_IT_PRINTS])
def test_what_does_not_end_is_ended(program: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 128 + signal.SIGTERM
    assert "has not ended" in done.stderr


def test_what_does_not_end_is_ended_although_nobody_reads_that() -> None:
    with full_pipe() as full:
        done = subprocess.run([sys.executable, "-c", NEVER_ENDS], stderr=full, timeout=60, check=False)
    assert done.returncode == 128 + signal.SIGTERM


def test_nothing_comes() -> None:
    before = signal.getsignal(signal.SIGTERM)
    assert run(Work([], [])()) == "done"
    assert signal.getsignal(signal.SIGTERM) is before


def test_an_ignored_signal_is_none() -> None:
    """As by nohup(1)."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert run(Work([], [signal.SIGHUP])()) == "done"
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
