"""Removing folders that somebody else has written, and may go on writing.

Each folder is opened relative to the one that it lies in, and no link is followed: whoever puts one in the
place of a folder meanwhile must not have us, who may be root, remove what it leads to.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import queue
import uuid
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING

from groundhog._threads import started

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator

    Way = tuple[str, ...]

_PATIENCE_S = 5.0
"""How long anybody waits until something is removed."""
_FOLDER = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def remove(scratch: Path) -> None:
    """Remove a folder whose writer may have made that hard: with locked folders, or many in one another.

    What lies deep is moved up before it is entered: no path becomes long, and nothing here recurses.

    Raises:
        OSError: something is in the way; the rest of it is left.
    """
    top = os.open(scratch, os.O_PATH | _FOLDER)
    try:
        waiting: list[Way] = [()]
        emptied: list[Way] = []
        while waiting:
            way = waiting.pop()
            with _opened(top, way) as folder:
                waiting += _emptied(top, way, folder)
            emptied.append(way)
        for *above, name in reversed(emptied[1:]):
            with _opened(top, tuple(above)) as folder:
                os.rmdir(name, dir_fd=folder)
    finally:
        os.close(top)
    scratch.rmdir()


def _emptied(top: int, way: Way, folder: int) -> Iterator[Way]:
    """Remove what is no folder; the ways to the others, from the top."""
    with os.scandir(folder) as entries:
        found = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    for name, is_folder in found:
        if not is_folder:
            os.unlink(name, dir_fd=folder)
        elif not way:
            yield (name,)
        else:
            with _opened(folder, (name,)):  # locked, it could not be moved
                yield _moved_up(top, (*way, name), folder)


def _moved_up(top: int, way: Way, folder: int) -> Way:
    """Where a folder is now: on a full disk there may be no room for its new name until others are gone."""
    name = uuid.uuid4().hex
    try:
        os.rename(way[-1], name, src_dir_fd=folder, dst_dir_fd=top)
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        return way
    return (name,)


@contextlib.contextmanager
def _opened(top: int, way: Way) -> Iterator[int]:
    """Open a folder, which its writer may have locked, for as long as the block lasts."""
    at = os.dup(top)
    try:
        for name in way:
            below = os.open(name, os.O_PATH | _FOLDER, dir_fd=at)
            os.close(at)
            at = below
            _unlock(at)
        if not way:
            _unlock(at)
        folder = os.open(".", os.O_RDONLY | _FOLDER, dir_fd=at)
    finally:
        os.close(at)
    try:
        yield folder
    finally:
        os.close(folder)


def _unlock(folder: int) -> None:
    """Let its owner into what a descriptor stands for, whatever has its name by now."""
    Path(f"/proc/self/fd/{folder}").chmod(0o700)


class Remover:
    """Removes what functions have written, one after the other, in a thread that nobody waits for in the end.

    A function that may write without a limit leaves in a minute what takes some to be removed. Threads that
    are to start processes must not be busy with that, nor must the end of a server take as long: what is left
    then is removed by the next one that starts, see `groundhog.temporary`.
    """

    def __init__(self) -> None:
        self._work: queue.SimpleQueue[tuple[Callable[[], None], Future[None]] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def put(self, work: Callable[[], None]) -> Future[None]:
        """Have it done; what is returned is done then, or has what it raised."""
        done: Future[None] = Future()
        self._work.put((work, done))
        self._begin()
        return done

    async def patiently(self, work: Callable[[], None]) -> bool:
        """Have it done, and wait for it, but not for long; whether it is. ``work`` tells of its errors."""
        loop, is_done = asyncio.get_running_loop(), asyncio.Event()

        def tell(_: Future[None]) -> None:
            with contextlib.suppress(RuntimeError):  # nobody waits: the loop has ended
                loop.call_soon_threadsafe(is_done.set)

        self.put(work).add_done_callback(tell)
        try:
            await asyncio.wait_for(is_done.wait(), _PATIENCE_S)
        except asyncio.TimeoutError:
            return False
        return True

    def stop(self) -> None:
        """End once all is done, or with the program."""
        if not self._work.empty():
            self._begin()
        self._work.put(None)

    def _begin(self) -> None:
        """Have the thread, or else what is to be done waits for what comes next."""
        if self._thread is None:
            self._thread = started(self._run, "groundhog-remover")

    def _run(self) -> None:
        while (asked := self._work.get()) is not None:
            work, done = asked
            done.set_running_or_notify_cancel()
            try:
                work()
            except Exception as error:  # noqa: BLE001  (whoever asked is told)
                done.set_exception(error)
            else:
                done.set_result(None)
