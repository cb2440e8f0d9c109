"""Running a command's coroutine until it is done, or a signal ends it."""

from __future__ import annotations

import asyncio
import signal
import threading
from typing import TYPE_CHECKING, Any, TypeVar

from groundhog.cli import Ended

if TYPE_CHECKING:
    from collections.abc import Coroutine

    Numbers = list[signal.Signals]

_Result = TypeVar("_Result")
_CLOSING_S = 20.0
"""How long what was begun before a signal may take to close; a process that does not end takes ten."""


def run(work: Coroutine[Any, Any, _Result]) -> _Result:
    """As `asyncio.run`, but a signal that ends us cancels it in the middle of no step: half of what opens or
    closes a pool would leave folders that nobody removes. To interrupt it once more ends it at once.

    Raises:
        Ended: a signal did.
    """
    ended: Numbers = []
    try:
        result = asyncio.run(_watched(work, ended))
    except asyncio.CancelledError:
        if not ended:
            raise
        raise Ended(ended[0]) from None
    if ended:  # it was done already
        raise Ended(ended[0])
    return result


async def _watched(work: Coroutine[Any, Any, _Result], ended: Numbers) -> _Result:
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - a coroutine runs in a task
    loop = asyncio.get_running_loop()

    def end(number: signal.Signals) -> None:
        if not ended:
            task.cancel()
        elif number == signal.SIGINT:
            raise Ended(ended[0])
        ended.append(number)

    before = {}
    if threading.current_thread() is threading.main_thread():
        ours = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
        before = {number: its for number in ours if (its := signal.getsignal(number)) is not signal.SIG_IGN}
    for number in before:
        loop.add_signal_handler(number, end, number)
    try:
        return await work
    finally:
        if ended and (others := asyncio.all_tasks() - {task}):  # a pool closes in a task of its own
            await asyncio.wait(others, timeout=_CLOSING_S)
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, before)  # the kernel would end us in between
        for number, its in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_IGN if ended and number != signal.SIGINT else its)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
