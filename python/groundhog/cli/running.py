"""Running a command's coroutine until it is done, or a signal ends it."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import os
import signal
import threading
from typing import TYPE_CHECKING, Any, TypeVar

from groundhog._log import log
from groundhog.cli import Ended
from groundhog.cli.waking import woken_by_signals
from groundhog.platforms.printer import Printer

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator
    from types import FrameType

_Result = TypeVar("_Result")
_CLOSING_S = 15.0
"""How long what was begun before a signal may take to close; a process that does not end takes ten."""
_ENDING_S = 30.0
"""How long after a signal the command has ended, whatever it does."""
_SAYING_S = 1.0
"""How long it may take to say that it has not."""
_STDERR = 2


def run(work: Coroutine[Any, Any, _Result]) -> _Result:
    """As `asyncio.run`, but a signal that ends us cancels it in the middle of no step: half of what opens or
    closes a pool would leave folders that nobody removes. To interrupt it once more ends it at once.

    Raises:
        Ended: a signal did.
    """
    if threading.current_thread() is not threading.main_thread():
        return asyncio.run(work)
    ending = _Ending()
    try:
        with ending.on_signals():
            result = asyncio.run(ending.watched(work))
    except BaseException as error:
        if ending.number is None:
            raise
        if isinstance(error, Exception):
            log.warning("an error while the command ended", error=repr(error))
        raise Ended(ending.number) from None
    finally:
        work.close()  # of which nothing has run, if a signal came before
    if ending.number is not None:  # it was done already
        raise Ended(ending.number)
    return result


class _Ending:
    """What the first signal has begun."""

    def __init__(self) -> None:
        self.number: int | None = None
        self._task: asyncio.Task[Any] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def has_begun(self) -> bool:
        """Whether a signal has come."""
        return self.number is not None

    async def watched(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        """Have it cancelled by a signal. What it was closing then, in tasks of its own, is closed."""
        self._task, self._loop = asyncio.current_task(), asyncio.get_running_loop()
        if self.has_begun():  # before there was a task
            raise asyncio.CancelledError
        with woken_by_signals(self._loop):
            try:
                return await work
            finally:
                others = asyncio.all_tasks() - {self._task}
                if others and self.has_begun():
                    await asyncio.wait(others, timeout=_CLOSING_S)

    @contextlib.contextmanager
    def on_signals(self) -> Iterator[None]:
        """Handle them; whoever has them ignored, as nohup(1) does, means it."""
        ours = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
        before = {number: its for number in ours if (its := signal.getsignal(number)) is not signal.SIG_IGN}
        # Not by the event loop, which handles none in the middle of a long step.
        for number in before:
            signal.signal(number, self._end)
        try:
            yield
        finally:
            for number, its in before.items():
                if self.number is None or number == signal.SIGINT:
                    signal.signal(number, its)
            # The alarm stays set: what is printed at the end may find no reader either.

    def _end(self, number: int, _: FrameType | None) -> None:
        if self.number is None:
            self.number = number
            for other in (signal.SIGTERM, signal.SIGHUP):  # one was enough
                signal.signal(other, signal.SIG_IGN)
            signal.signal(signal.SIGALRM, self._give_up)
            signal.setitimer(signal.ITIMER_REAL, _ENDING_S)
            if self._loop is not None and self._task is not None:
                with contextlib.suppress(RuntimeError):  # it is closed: all is done
                    self._loop.call_soon_threadsafe(self._task.cancel)
        elif number == signal.SIGINT:
            raise Ended(self.number)

    def _give_up(self, _: int, __: FrameType | None) -> None:
        assert self.number is not None  # noqa: S101 - a signal has set the alarm
        with contextlib.suppress(Exception):  # no thread, or no memory
            # That nobody reads it may be why it has not.
            said = Printer(_STDERR).line(f"groundhog: it has not ended within {_ENDING_S:.0f} s")
            concurrent.futures.wait([said], _SAYING_S)
        os._exit(128 + self.number)
