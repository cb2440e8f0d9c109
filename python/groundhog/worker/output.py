"""What a function process prints, by request: read from the pipes that are its stdout and stderr."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

    from groundhog.worker.watchdog import Guard

_READ = 64 << 10
_ROUNDS = 32  # a process that never stops printing must not keep its caller waiting for the end of it


class LogBuffer:
    """What a process printed during one request, up to a limit."""

    __slots__ = ("_dropped", "_kept", "_limit")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept = bytearray()
        self._dropped = 0

    def add(self, data: bytes) -> None:
        """Keep ``data`` as far as the limit allows."""
        room = self._limit - len(self._kept)
        if len(data) > room:
            self._dropped += len(data) - room
            data = data[:room]
        self._kept += data

    def take(self) -> str:
        """All of it, with a last line that says how much is missing; the buffer is empty then."""
        if not self._kept and not self._dropped:
            return ""
        try:
            text = self._kept.decode("utf-8", "replace")
        except MemoryError:  # whoever waits for an answer gets it without
            text = ""
            self._dropped += len(self._kept)
        if self._dropped:
            separator = "" if not text or text.endswith("\n") else "\n"
            text += f"{separator}[groundhog: {self._dropped} further bytes of output were dropped]\n"
        self._kept.clear()
        self._dropped = 0
        return text


class Output:
    """Both streams of one process; ``limit``: bytes kept of each, per request."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, stdout: int, stderr: int, guard: Guard, limit: int
    ) -> None:
        self._loop = loop
        self._guard = guard
        self._streams = {stdout: LogBuffer(limit), stderr: LogBuffer(limit)}
        self.collecting = True
        """Whether what the process prints now belongs to somebody."""

    def listen(self) -> None:
        """Watch the pipes, for as long as the process lives."""
        for fd, buffer in self._streams.items():
            self._loop.add_reader(fd, self._on_ready, fd, buffer)

    def stop(self) -> None:
        """Watch nothing any more."""
        for fd in self._streams:
            self._loop.remove_reader(fd)

    def take(self) -> tuple[str, str]:
        """What has been printed until now, to stdout and to stderr; what comes from now on is nobody's."""
        self.hold()
        stdout, stderr = self._streams.values()
        return stdout.take(), stderr.take()

    def hold(self) -> None:
        """Keep what has been printed until now for the next request; what comes before that is nobody's."""
        for fd, buffer in self._streams.items():
            self._read_all(fd, buffer)
        self.collecting = False

    def drop(self) -> None:
        """Forget what has not been read yet."""
        for fd in self._streams:
            self._read_all(fd, None)

    def _on_ready(self, fd: int, buffer: LogBuffer) -> None:
        try:
            data = self._guard(os.read, fd, _READ)
        except BlockingIOError:
            return
        if not data:
            self._loop.remove_reader(fd)
        elif self.collecting:
            buffer.add(data)

    def _read_all(self, fd: int, buffer: LogBuffer | None) -> None:
        for _ in range(_ROUNDS):
            try:
                data = self._guard(os.read, fd, _READ)
            except BlockingIOError:
                return
            if not data:
                return
            if buffer is not None:
                buffer.add(data)
