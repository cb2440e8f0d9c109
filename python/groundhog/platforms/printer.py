"""Printing that keeps nobody waiting: whoever reads stdout or stderr may stop, and the server must go on."""

from __future__ import annotations

import errno
import os
import select
import stat
import threading
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field

from groundhog._threads import started

WAITING_BYTES = 16 * 1024 * 1024
"""How much may wait for a reader."""


@dataclass(frozen=True, slots=True)
class _Part:
    data: bytes
    end: bytes
    done: Future[OSError | None] = field(default_factory=Future)


class Printer:
    """Writes to a descriptor, in order: at once what finds room, the rest from a thread of its own.

    Args:
        fd: where to write; it is left open, and as it is, since others may write there too.
        limit_bytes: how many bytes may wait for a reader; more are lost, but for what ends each part.
    """

    def __init__(self, fd: int, limit_bytes: int = WAITING_BYTES) -> None:
        self._fd = fd
        self._limit = limit_bytes
        self._lock = threading.Lock()
        self._parts: deque[_Part] = deque()
        self._waiting = 0
        self._owed = b""
        """The ends of parts that could not be written."""
        self._has_work = threading.Semaphore(0)
        self._thread: threading.Thread | None = None

    def put(self, data: bytes, end: bytes = b"") -> Future[OSError | None] | None:
        """Write data and what ends it, or let it wait; return what is done once that is over, with why it
        could not be written.

        Where there is no more room for data to wait, it is lost, and its end waits alone: who reads tells by
        the ends which data is whose. None: nothing is left to be written, it has no end.
        """
        with self._lock:
            if not self._parts and self._has_room(len(self._owed) + len(data) + len(end)):
                part = _Part(data, end)
                self._write(part)
                return part.done
            if self._waiting + len(data) > self._limit:
                if not end:
                    return None
                data = b""
            part = _Part(data, end)
            self._parts.append(part)
            self._waiting += len(part.data)
            self._has_work.release()
            self._begin()
        return part.done

    def prepare(self) -> None:
        """Have the thread now, which later may not be had while others have all that there may be."""
        with self._lock:
            self._begin()

    def _begin(self) -> None:
        """Have the thread, or else what waits for it waits for the next part, too."""
        if self._thread is None:
            # Nobody waits for it in the end: it may write for ever.
            self._thread = started(self._run, "groundhog-printer")

    def line(self, text: str) -> Future[OSError | None]:
        """Write a line whole, whatever waits; return what is done once that is over, as `put` does."""
        put = self.put(b"", f"{text}\n".encode("utf-8", "replace"))
        assert put is not None  # noqa: S101 - it is all end
        return put

    def _has_room(self, count: int) -> bool:
        """Whether so many bytes can be written without waiting for a reader: for pipes, pipe(7), poll(2).

        Of a terminal, which somebody may have stopped (Ctrl-S), poll says only that there is room for one.
        """
        try:
            kind = os.fstat(self._fd).st_mode
            if stat.S_ISREG(kind):
                return True
            if not (stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind)):
                return not os.isatty(self._fd)
            poll = select.poll()
            poll.register(self._fd, select.POLLOUT)
            return count <= select.PIPE_BUF and bool(poll.poll(0))
        except OSError:
            return True  # the write will tell

    def _run(self) -> None:
        while self._has_work.acquire():
            part = self._parts[0]
            self._write(part)
            with self._lock:
                self._parts.popleft()
                self._waiting -= len(part.data)

    def _write(self, part: _Part) -> None:
        """Write one part; on a full disk it is lost, and its end is written before the next one."""
        left = memoryview(self._owed + part.data + part.end)
        failure = None
        try:
            while left:
                left = left[self._written(left) :]
            self._owed = b""
        except OSError as error:
            failure = error
            # Nobody can read a pipe without a reader any more.
            self._owed = b"" if error.errno == errno.EPIPE else self._ends_left(part, bytes(left))
        part.done.set_result(failure)

    def _ends_left(self, part: _Part, left: bytes) -> bytes:
        """What is to come before the next part: ends, in whole lines, without the data that is lost."""
        if len(left) <= len(part.end):
            return left
        owed = len(left) - len(part.data + part.end)
        if owed >= 0:
            return left[:owed] + part.end
        return b"\n" + part.end  # its data was cut off somewhere

    def _written(self, data: memoryview) -> int:
        """How many bytes have been written; it waits until there is room, whether or not a write does."""
        try:
            return os.write(self._fd, data)
        except BlockingIOError:
            poll = select.poll()
            poll.register(self._fd, select.POLLOUT)
            poll.poll()
            return 0
