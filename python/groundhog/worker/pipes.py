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
from typing import TYPE_CHECKING, Any

from groundhog.errors import CutOffError, HookError, PayloadTooLargeError, ProtocolError
from groundhog.protocols.actionloop import (
    FINISH,
    HOOKS,
    HOOKS_DONE,
    NO_MEMORY,
    RAISED,
    AnswerDecoder,
    Freshness,
    is_failed,
    parse_answer,
)
from groundhog.worker.channel import Answer
from groundhog.worker.output import Output
from groundhog.worker.quiescence import waits_for_request

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Mapping, Sequence

    from groundhog.config import Limits
    from groundhog.worker.channel import Owner
    from groundhog.worker.engine import Process
    from groundhog.worker.job import Job
    from groundhog.worker.watchdog import Guard

STDIN, STDOUT, STDERR, ANSWER = 0, 1, 2, 3
"""The descriptors of the function process."""

_LARGE_PIPE = 1 << 20  # the most that an unprivileged process gets: a wake-up per MiB instead of per 64 KiB
_FIRST_READ = 64 << 10


class Ends:
    """The descriptors of a process, and our ends of them: ours do not block, the process's do."""

    def __init__(self) -> None:
        self._child: dict[int, int] = {}
        self._ours: list[int] = []

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

    def command(self, argv: Sequence[str]) -> list[str]:
        """The command as it is: nothing in it is about how it is spoken to."""
        return list(argv)

    def release_child_ends(self) -> None:
        """Close our copies of the process's ends, so that its end is the pipes' end."""
        while self._child:
            os.close(self._child.popitem()[1])

    def close(self) -> None:
        """Close everything; safe to call twice."""
        self.release_child_ends()
        while self._ours:
            os.close(self._ours.pop())


class PrintingEnds(Ends):
    """Of a process that is spoken to by connections: nothing to read, and pipes for what it prints."""

    def __init__(self) -> None:
        super().__init__()
        try:
            self._child[STDIN] = os.open(os.devnull, os.O_RDONLY)
            self._stdout = self._make(STDOUT)
            self._stderr = self._make(STDERR)
        except BaseException:
            super().close()
            raise

    @property
    def drain_fds(self) -> list[int]:
        """What it printed."""
        return [self._stdout, self._stderr]

    def _output(self, loop: asyncio.AbstractEventLoop, guard: Guard, limit: int) -> Output:
        """Collects that; ``limit``: bytes kept of each, per request."""
        return Output(loop, self._stdout, self._stderr, guard, limit)


class Pipes(Ends):
    """The four pipes of a process that speaks ActionLoop."""

    finishes = False

    def __init__(self) -> None:
        super().__init__()
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

    @property
    def drain_fds(self) -> list[int]:
        """What a restore must empty: late answers and logs, and what it has not read of a request."""
        return [self.answer, self.stdout, self.stderr, self._undelivered]

    @property
    def env(self) -> Mapping[str, str]:
        """Nothing: the numbers are fixed."""
        return {}

    @property
    def spawn_options(self) -> dict[str, Any]:
        """None: it speaks by pipes, and a connection to this process is one to a server of ours."""
        return {"shut_own_connections": True}

    def channel(
        self, loop: asyncio.AbstractEventLoop, owner: Owner, guard: Guard, process: Process, limits: Limits
    ) -> Channel:
        """Speak by these pipes."""
        del process
        return Channel(loop, self, owner, guard, result_bytes=limits.result_bytes, log_bytes=limits.log_bytes)

    def waits(self, pid: int) -> bool:
        """Whether a thread of it is blocked in reading a request."""
        return waits_for_request(pid, os.fstat(self.request).st_ino)


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
        self._output = Output(loop, pipes.stdout, pipes.stderr, guard, log_bytes)
        self._unsent: memoryview | None = None
        self._read_size = _FIRST_READ
        self._freshness: Freshness | None = None
        self.freshens = False
        """Whether requests carry fresh random numbers, and answers have to acknowledge them."""
        self._hooks_run = False
        self.marks_raised = False
        """Whether what follows the answer says that it was raised."""
        self.cut_short = False
        """Whether the last request was answered before the process had taken all of it."""

    def listen(self) -> None:
        """Watch the pipes. The readers stay as long as the process: a request changes no registration."""
        self._loop.add_reader(self._pipes.answer, self._on_answer_ready)
        self._output.listen()

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
        self._output.collecting = True
        self.cut_short = False
        self._read_size = _FIRST_READ
        sent = self._write(prefix, line)
        if sent < len(prefix) + len(line):
            try:
                self._loop.add_writer(self._pipes.request, self._on_writable)
            except OSError as error:  # a function may have taken all watches of its user: epoll(7)
                self._owner.on_broken(CutOffError(f"a request could not be sent whole: {error.strerror}"))
                return
            self._unsent = memoryview(prefix + line)[sent:]

    def serve(self, job: Job, *, hooks: bool = False) -> None:
        """Hand over a request."""
        self.send(job.line(), hooks=hooks)

    def run_hooks(self) -> None:
        """Have the hooks after a restore run. The line brings fresh random numbers, as a request does."""
        self.send(HOOKS, hooks=True)

    def finish(self) -> None:
        """Have the hooks before a restore run."""
        self.send(FINISH)

    def reverting(self) -> None:
        """Nothing is to be done: what is still to be written stops with the answer."""

    def reverted(self) -> None:
        """Nothing is to be done: the engine has emptied the pipes."""

    def answer(self, line: bytes) -> Answer:
        """The answer in a line, which may be none."""
        raised = self.marks_raised and line.endswith(RAISED)
        if raised:
            line = line[: -len(RAISED)]
        return Answer(line, raised, is_failed, parse_answer)

    def take_logs(self) -> tuple[str, str]:
        """What has been printed until now, to stdout and to stderr; what comes from now on is nobody's."""
        return self._output.take()

    def hold_logs(self) -> None:
        """Keep what has been printed until now for the next request; what comes before that is nobody's."""
        self._output.hold()

    def read_answer(self) -> None:
        """Read what is left in the answer pipe of a process that has ended."""
        while self._decoder.awaiting and self._on_answer_ready():
            pass

    def discard(self) -> int:
        """Drop what came since the last answer; how many bytes of it were on the answer pipe."""
        self._output.drop()
        try:
            return len(self._guard(os.read, self._pipes.answer, _FIRST_READ))
        except BlockingIOError:
            return 0

    def stop(self) -> None:
        """Watch nothing any more. The descriptors stay open until the process is gone."""
        self._stop_sending()
        self._loop.remove_reader(self._pipes.answer)
        self._output.stop()

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
