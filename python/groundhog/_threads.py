"""Threads that may not be had: functions may take all that their user, or a container, may have."""

from __future__ import annotations

import errno
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar("_T")


def started(target: Callable[[], None], name: str) -> threading.Thread | None:
    """A thread for which nobody waits in the end; None: there is none to be had, later there may be.

    A function that starts processes without an end has it so, as long as its request runs.
    """
    thread = threading.Thread(target=target, name=name, daemon=True)
    try:
        thread.start()
    except RuntimeError:
        return None
    return thread


class _Work:
    """Something to be done once, and whoever waits for its result."""

    __slots__ = ("_parts",)

    def __init__(self, what: Callable[[], Any], done: Future[Any]) -> None:
        self._parts: list[Any] = [what, done]

    def __call__(self) -> None:
        # What is raised leads to the frames that it came through, which would keep all that they know of.
        what, done = self._parts
        self._parts.clear()
        if not done.set_running_or_notify_cancel():
            return
        try:
            result = what()
        except BaseException as error:  # noqa: BLE001 - whoever waits for it gets it
            done.set_exception(error)
        else:
            done.set_result(result)
        finally:
            del what, done


class Threads(ThreadPoolExecutor):
    """Those that there are do the work of those that cannot be had.

    The library's own executor keeps what it refuses for want of a thread, and does it later, when nobody
    knows of it any more: such as to start a process whose pipes have been closed.
    """

    _has_one = False

    def submit(self, fn: Callable[..., _T], /, *args: Any, **kwargs: Any) -> Future[_T]:
        """Have it done. OSError if there is no thread at all."""
        done: Future[_T] = Future()
        if self._shutdown:
            raise RuntimeError("no work is taken after the end")
        try:
            super().submit(_Work(partial(fn, *args, **kwargs), done))
        except RuntimeError as error:
            if not self._has_one:
                done.cancel()
                raise OSError(errno.EAGAIN, "no thread can be had") from error
        self._has_one = True
        return done
