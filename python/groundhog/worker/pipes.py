"""The four pipes of a function process and what flows through them, driven by the event loop directly.

No streams and no transports: a request is one `write`, an answer one wake-up. Requests and answers of any
size pass without deadlock, since nothing here blocks: what a pipe does not take waits for the loop, and
answers and logs are read whenever they come.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from typing import TYPE_CHECKING, Protocol

from groundhog.errors import HookError, InvocationError, PayloadTooLargeError, ProtocolError
from groundhog.protocols.actionloop import HOOKS_DONE, NO_MEMORY, AnswerDecoder, Freshness

if TYPE_CHECKING:
    import asyncio

    from groundhog.worker.watchdog import Guard

STDIN, STDOUT, STDERR, ANSWER = 0, 1, 2, 3
"""The descriptors of the function process."""

_LARGE_PIPE = 1 << 20  # the most that an unprivileged process gets: a wake-up per MiB instead of per 64 KiB
_FIRST_READ = 64 << 10
_LOG_READ = 64 << 10
_LOG_ROUNDS = 32  # a process that never stops printing must not keep its caller waiting for the end of it


class Pipes:
    """The descriptors: ours do not block, the process's do."""

    def __init__(self) -> None:
        self._child: dict[int, int] = {}
        self._ours: list[int] = []
        try:
            self.request = self._make(STDIN, large=True)
            self.answer = self._make(ANSWER, large=True)
            self.stdout = self._make(STDOUT)
            self.stderr = self._make(STDERR)
            # An open file description of its own: O_NONBLOCK on a duplicate would bind the process, too.
            self._undelivered = os.open(
                f"/proc/self/fd/{self._child[STDIN]}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
            )
            self._ours.append(self._undelivered)
        except BaseException:
            self.close()
            raise

    def _make(self, number: int, *, large: bool = False) -> int:
        read_end, write_end = os.pipe()
        theirs, ours = (read_end, write_end) if number == STDIN else (write_end, read_end)
        self._child[number] = theirs
        self._ours.append(ours)
        os.set_blocking(ours, False)
        if large:
            with contextlib.suppress(
                OSError
            ):  # the user's share of pipe memory is used up: a small one works too
                fcntl.fcntl(ours, fcntl.F_SETPIPE_SZ, _LARGE_PIPE)
        return ours

    @property
    def child_fds(self) -> dict[int, int]:
        """The process's descriptors, by the number that it shall know them by."""
        return dict(self._child)

    @property
    def drain_fds(self) -> list[int]:
        """What a restore must empty: late answers and logs, and what it has not read of a request."""
        return [self.answer, self.stdout, self.stderr, self._undelivered]

    @property
    def request_inode(self) -> int:
        """Identifies the request pipe in ``/proc/PID/fd``."""
        return os.fstat(self.request).st_ino

    def release_child_ends(self) -> None:
        """Close our copies of the process's ends, so that its end is the pipes' end."""
        while self._child:
            os.close(self._child.popitem()[1])

    def close(self) -> None:
        """Close everything; safe to call twice."""
        self.release_child_ends()
        while self._ours:
            os.close(self._ours.pop())


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


class Owner(Protocol):
    """Who is told what came through the pipes."""

    def on_answer(self, line: bytes) -> None:
        """The answer is complete."""

    def on_hooks_done(self) -> None:
        """The function's hooks have run: now it is the function's turn."""

    def on_broken(self, error: InvocationError) -> None:
        """The process broke the protocol, or its hooks failed; nothing it writes can be trusted any more."""

    def on_stray(self, data: bytes) -> None:
        """Bytes came on the answer pipe though none were owed."""

    def on_end(self) -> None:
        """Nobody holds the other end of the answer pipe any more."""


class Channel:
    """Sends request lines and collects answers and logs."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        pipes: Pipes,
        owner: Owner,
        guard: Guard,
        *,
        result_bytes: int,
        log_bytes: int,
    ) -> None:
        self._loop = loop
        self._pipes = pipes
        self._owner = owner
        self._guard = guard
        self._decoder = AnswerDecoder(result_bytes)
        self._stdout = LogBuffer(log_bytes)
        self._stderr = LogBuffer(log_bytes)
        self._unsent: memoryview | None = None
        self._read_size = _FIRST_READ
        self._freshness: Freshness | None = None
        self.freshens = False
        """Whether requests carry fresh random numbers, and answers have to acknowledge them."""
        self._hooks_run = False
        self.collecting = True
        """Whether what the process prints now belongs to somebody."""
        self.cut_short = False
        """Whether the last request was answered before the process had taken all of it."""

    def listen(self) -> None:
        """Watch the pipes. The readers stay as long as the process: a request changes no registration."""
        self._loop.add_reader(self._pipes.answer, self._on_answer_ready)
        self._loop.add_reader(self._pipes.stdout, self._on_log_ready, self._pipes.stdout, self._stdout)
        self._loop.add_reader(self._pipes.stderr, self._on_log_ready, self._pipes.stderr, self._stderr)

    def expect(self) -> None:
        """A line is owed that no request asks for: the acknowledgement."""
        self._decoder.expect()

    def cancel(self) -> None:
        """No line is owed any more."""
        self._decoder.cancel()

    def send(self, line: bytes, *, hooks: bool = False) -> None:
        """Hand over a request line; the answer comes to the owner. ``hooks``: the function's run first."""
        self._hooks_run = hooks
        prefix = b""
        if self.freshens:
            self._freshness = Freshness(os.urandom(Freshness.SIZE), time.time_ns())
            prefix = self._freshness.prefix
            self._decoder.expect(len(self._freshness.token))
        else:
            self._decoder.expect()
        self.collecting = True
        self.cut_short = False
        self._read_size = _FIRST_READ
        sent = self._write(prefix, line)
        if sent < len(prefix) + len(line):
            self._unsent = memoryview(prefix + line)[sent:]
            self._loop.add_writer(self._pipes.request, self._on_writable)

    def take_logs(self) -> tuple[str, str]:
        """What has been printed until now, to stdout and to stderr; what comes from now on is nobody's."""
        self.hold_logs()
        return self._stdout.take(), self._stderr.take()

    def hold_logs(self) -> None:
        """Keep what has been printed until now for the next request; what comes before that is nobody's."""
        self._read_log(self._pipes.stdout, self._stdout)
        self._read_log(self._pipes.stderr, self._stderr)
        self.collecting = False

    def read_answer(self) -> None:
        """Read what is left in the answer pipe of a process that has ended."""
        while self._decoder.awaiting and self._on_answer_ready():
            pass

    def discard(self) -> int:
        """Drop what came since the last answer; how many bytes of it were on the answer pipe."""
        self._read_log(self._pipes.stdout, None)
        self._read_log(self._pipes.stderr, None)
        try:
            return len(self._guard(os.read, self._pipes.answer, _FIRST_READ))
        except BlockingIOError:
            return 0

    def stop(self) -> None:
        """Watch nothing any more. The descriptors stay open until the process is gone."""
        self._stop_sending()
        for fd in (self._pipes.answer, self._pipes.stdout, self._pipes.stderr):
            self._loop.remove_reader(fd)

    def _write(self, *parts: bytes | memoryview) -> int:
        try:
            return int(self._guard(os.writev, self._pipes.request, parts))
        except BlockingIOError:
            return 0
        except OSError:  # nobody reads it any more: the end of the process is reported by itself
            return sum(map(len, parts))

    def _on_writable(self) -> None:
        assert self._unsent is not None  # noqa: S101 - the writer is registered only while there is something
        self._unsent = self._unsent[self._write(self._unsent) :]
        if not self._unsent:
            self._stop_sending()

    def _stop_sending(self) -> None:
        if self._unsent is not None:
            self._loop.remove_writer(self._pipes.request)
            self._unsent = None

    def _on_answer_ready(self) -> bool:
        """Read once; whether there was something."""
        try:
            return self._take_answer()
        except MemoryError:  # what was read is lost: the rest is no answer
            self._owner.on_broken(ProtocolError(NO_MEMORY))
            return False

    def _take_answer(self) -> bool:
        try:
            data: bytes = self._guard(os.read, self._pipes.answer, self._read_size)
        except BlockingIOError:
            return False
        if not data:
            self._loop.remove_reader(self._pipes.answer)  # it would be ready forever
            self._owner.on_end()
            return False
        if not self._decoder.awaiting:
            self._owner.on_stray(data)
            return True
        if len(data) == self._read_size:
            self._read_size = _LARGE_PIPE
        if self._hooks_run:
            self._hooks_run = False
            if data.startswith(HOOKS_DONE):
                data = data[len(HOOKS_DONE) :]
                self._owner.on_hooks_done()
        try:
            line = self._decoder.feed(data)
            if line is not None and self._freshness is not None:
                line = self._freshness.acknowledged(line)
                self._freshness = None
        except (ProtocolError, PayloadTooLargeError, HookError) as error:
            self._owner.on_broken(error)
            return True
        if line is not None:
            self.cut_short = self._unsent is not None
            self._stop_sending()
            self._owner.on_answer(line)
        return True

    def _on_log_ready(self, fd: int, buffer: LogBuffer) -> None:
        try:
            data = self._guard(os.read, fd, _LOG_READ)
        except BlockingIOError:
            return
        if not data:
            self._loop.remove_reader(fd)
        elif self.collecting:
            buffer.add(data)

    def _read_log(self, fd: int, buffer: LogBuffer | None) -> None:
        for _ in range(_LOG_ROUNDS):
            try:
                data = self._guard(os.read, fd, _LOG_READ)
            except BlockingIOError:
                return
            if not data:
                return
            if buffer is not None:
                buffer.add(data)
