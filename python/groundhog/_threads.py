"""Threads that may not be had: functions may take all that their user, or a container, may have."""

from __future__ import annotations

import errno
import functools
import os
import threading
from concurrent.futures import Future, ThreadPoolExecutor
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


class Threads(ThreadPoolExecutor):
    """Those that there are do the work of those that cannot be had.

    The library's own executor keeps what it refuses for want of a thread, and does it later, when nobody
    knows of it any more: such as to start a process whose pipes have been closed.
    """

    def submit(self, fn: Callable[..., _T], /, *args: Any, **kwargs: Any) -> Future[_T]:
        """Have it done. OSError if there is no thread at all."""
        if self._shutdown:
            raise RuntimeError("no work is taken after the end")
        return super().submit(fn, *args, **kwargs)

    def _adjust_thread_count(self) -> None:
        try:
            super()._adjust_thread_count()
        except RuntimeError as error:
            if not self._threads:
                self._work_queue.get_nowait()  # nobody takes any of it: there is only what is refused now
                raise OSError(errno.EAGAIN, "no thread can be had") from error


@functools.cache
def _beside() -> Threads:
    return Threads(2, thread_name_prefix="groundhog-look")


os.register_at_fork(after_in_child=_beside.cache_clear)  # a fork has no threads


def beside(work: Callable[..., _T], *args: Any) -> Future[_T]:
    """Have something looked through that takes a while, and lets other threads run meanwhile: by one of few
    threads; here, if there is none to be had.
    """
    try:
        return _beside().submit(work, *args)
    except OSError:
        done: Future[_T] = Future()
        try:
            done.set_result(work(*args))
        except Exception as error:  # noqa: BLE001 - its caller gets it
            done.set_exception(error)
        return done
