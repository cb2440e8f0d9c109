"""A signal ends a command's coroutine between its steps, and lets it close what it has opened."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from groundhog.cli import Ended
from groundhog.cli.running import run


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
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)}
    work = Work(working, closing)
    try:
        with pytest.raises(Ended) as caught:
            run(work())
    finally:
        for number, its in before.items():
            signal.signal(number, its)
    assert caught.value.number == (working + closing)[0]
    assert work.closed


def test_interrupting_it_twice_ends_it_at_once() -> None:
    work = Work([signal.SIGTERM], [signal.SIGINT])
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        with pytest.raises(Ended):
            run(work())
    finally:
        for number, its in before.items():
            signal.signal(number, its)
    assert not work.closed


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
