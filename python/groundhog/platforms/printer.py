"""Printing that keeps nobody waiting: whoever reads stdout or stderr may stop, and the server must go on."""

from __future__ import annotations

import contextlib
import os
import select
import stat
import threading
from collections import deque
from concurrent.futures import Future

WAITING_BYTES = 16 * 1024 * 1024
"""How much may wait for a reader."""


class Printer:
    """Writes to a descriptor, in order: at once what finds room, the rest from a thread of its own.

    Args:
        fd: where to write; it is left open, and as it is, since others may write there too.
        limit_bytes: how many bytes may wait for a reader; more are lost.
    """

    def __init__(self, fd: int, limit_bytes: int = WAITING_BYTES) -> None:
        self._fd = fd
        self._limit = limit_bytes
        self._lock = threading.Lock()
        self._parts: deque[tuple[bytes, Future[None]]] = deque()
        self._waiting = 0
        self._has_work = threading.Semaphore(0)
        self._thread: threading.Thread | None = None

    def put(self, data: bytes) -> Future[None] | None:
        """Write data, or let it wait; return what is done once it is written, None when it is lost."""
        part = (data, Future[None]())
        with self._lock:
            if not self._waiting and self._has_room(len(data)):
                self._write(part)
                return part[1]
            if self._waiting + len(data) > self._limit:
                return None
            self._parts.append(part)
            self._waiting += len(data)
            if self._thread is None:
                # Nobody waits for it in the end: it may write for ever.
                self._thread = threading.Thread(target=self._run, name="groundhog-printer", daemon=True)
                self._thread.start()
        self._has_work.release()
        return part[1]

    def _has_room(self, count: int) -> bool:
        """Whether so many bytes can be written without waiting for a reader: for pipes, pipe(7), poll(2)."""
        try:
            if stat.S_ISREG(os.fstat(self._fd).st_mode):
                return True
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
                self._waiting -= len(part[0])

    def _write(self, part: tuple[bytes, Future[None]]) -> None:
        """Write one part; where nobody can read it any more, or the disk is full, it is lost."""
        left, written = memoryview(part[0]), part[1]
        with contextlib.suppress(OSError):
            while left:
                left = left[os.write(self._fd, left) :]
        written.set_result(None)
