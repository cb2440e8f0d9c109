"""A function process over bare pipes: started, acknowledged, and sent one line at a time."""

from __future__ import annotations

import ctypes
import math
import os
import signal
import subprocess
import threading
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from groundhog._core import Tracee
from groundhog.errors import FunctionTimeoutError, GroundhogError, InitError, TraceeExitedError
from groundhog.protocols.actionloop import Freshness, parse_ack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from groundhog.config import Limits
    from groundhog.runners.command import Command

_READ = 1 << 16
"""At a time. To read into a larger block is to map and unmap it, 10 µs that are not the function's."""
_ANSWER_FD = 3
_MINOR_FAULTS = 9
"""Which field of /proc/PID/stat is ``minflt``, counted from 0; proc_pid_stat(5)."""
_WATCH_S = 0.1
_STATUS_LOOKS = 20
_STATUS_PAUSE_S = 0.005
_PR_SET_PDEATHSIG = 1
_prctl = ctypes.CDLL(None).prctl  # looked up before any fork: a child should not take the linker's locks
_prctl.argtypes = [ctypes.c_int, ctypes.c_ulong]


def _become_plain(answers: int, parent: int) -> None:
    """What a plain process does before it runs the function: it dies with us, as a traced one would."""
    os.dup2(answers, _ANSWER_FD)
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # too late to be told
        os._exit(1)


class _Watch(threading.Thread):
    """Frees a process that is overdue, or has ended with an answer owed: then its pipes end, which a snapshot
    keeps open, and nobody waits any more. To wait for both at every answer would be one more system call in
    each measured request.
    """

    def __init__(self, is_alive: Callable[[], bool], free: Callable[[], object]) -> None:
        super().__init__(daemon=True)
        self.overdue = False
        self._due = math.inf
        self._is_alive = is_alive
        self._free = free
        self._stopped = threading.Event()

    def run(self) -> None:
        """Look at the clock and at the process now and then."""
        while not self._stopped.wait(_WATCH_S):
            if self._due < math.inf:
                self.overdue = time.perf_counter() > self._due
                if self.overdue or not self._is_alive():
                    self._free()
                    return

    @contextmanager
    def limit(self, seconds: float) -> Iterator[None]:
        """Let the process take that long for what happens inside."""
        self._due = time.perf_counter() + seconds
        yield
        self._due = math.inf

    def stop(self) -> None:
        """Watch no longer."""
        self._stopped.set()
        self.join()


class Piped:
    """A started process; `exchange` sends it one line, and waits for its answer.

    Args:
        command: what it runs.
        strategy: how its writes are followed; None: it is a plain process, which nobody traces.
        limits: how long its start, and each request, may take.
        name: what errors call it.
        watch: whether its calls that change the layout or close descriptors are to be seen.

    Raises:
        InitError: the function does not load, or not in time.
        TraceeExitedError: its process ended; also raised by `exchange`.
        FunctionTimeoutError: it did not answer in time; also raised by `exchange`.
    """

    def __init__(
        self, command: Command, strategy: str | None, limits: Limits, name: str, *, watch: bool = True
    ) -> None:
        self.tracee: Tracee | None = None
        self.freshens = False
        """Each request brings fresh random numbers, as those of a pool do."""
        self._limits = limits
        self._name = name
        self._plain: subprocess.Popen[bytes] | None = None
        process = self._start(command, strategy, watch=watch)
        if isinstance(process, Tracee):
            self.tracee = process
            self._watch = _Watch(lambda: process.alive, process.close)
        else:
            self._plain = process
            self._watch = _Watch(lambda: process.poll() is None, process.kill)
        self.pid = process.pid
        self._faults = os.open(f"/proc/{self.pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
        self._watch.start()
        try:
            self.takes_control = self._acknowledge()
        except BaseException:
            self.close()
            raise

    def _start(
        self, command: Command, strategy: str | None, *, watch: bool
    ) -> Tracee | subprocess.Popen[bytes]:
        stdin, self._requests = os.pipe()
        self._answers, answers = os.pipe()
        null = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        try:
            if strategy is None:
                return subprocess.Popen(
                    command.argv,
                    stdin=stdin,
                    stdout=null,
                    stderr=null,
                    env=command.env,
                    cwd=command.cwd,
                    pass_fds=[_ANSWER_FD],
                    preexec_fn=partial(_become_plain, answers, os.getpid()),  # noqa: PLW1509 - takes no lock
                )
            fds = {0: stdin, 1: null, 2: null, 3: answers}
            return Tracee.spawn(
                command.argv,
                env=command.env,
                cwd=command.cwd,
                fds=fds,
                strategy=strategy,
                trusted=True,
                watch=watch,
            )
        finally:
            for fd in (stdin, answers, null):
                os.close(fd)

    def _acknowledge(self) -> bool:
        """Wait until it has loaded; whether it takes control lines."""
        limit = self._limits.start_timeout_s
        with self._watch.limit(limit):
            acknowledged = self._read_line()
        if self._watch.overdue:
            raise InitError(f"{self._named()} did not start within {limit:g} s")
        if not acknowledged:
            raise self._ended()
        ack = parse_ack(acknowledged.rstrip())
        if not ack.ok:
            raise InitError(f"the function did not start: {ack.error}")
        return ack.control

    def _read_line(self) -> bytes:
        data = os.read(self._answers, _READ)
        while data and not data.endswith(b"\n"):
            more = os.read(self._answers, _READ)
            if not more:
                return b""
            data += more
        return data

    def in_time(self) -> AbstractContextManager[None]:
        """What happens inside may take as long as a request."""
        return self._watch.limit(self._limits.timeout_s)

    def exchange(self, line: bytes) -> bytes:
        """Send a line; the answer, with what a fresh request's has to repeat."""
        if self.freshens:
            line = Freshness(os.urandom(Freshness.SIZE), time.time_ns()).prefix + line
        rest = memoryview(line)
        try:
            while rest:
                rest = rest[os.write(self._requests, rest) :]
        except BrokenPipeError:
            raise self._ended() from None
        answer = self._read_line()
        if not answer:
            raise self._ended()
        return answer

    def _named(self) -> str:
        return f"function process {self.pid} ({self._name})"

    def _ended(self) -> GroundhogError:
        if self._watch.overdue:
            limit = self._limits.timeout_s
            return FunctionTimeoutError(f"{self._named()} did not answer within {limit:g} s")
        return TraceeExitedError(
            f"{self._named()} ended ({self._status()}): nothing can be measured; what it prints is shown by"
            " groundhog invoke"
        )

    def _status(self) -> str:
        """How it ended. That is known a moment after its pipes have closed."""
        for _ in range(_STATUS_LOOKS):
            if self.tracee is not None:
                status = self.tracee.exit_status
                if status is not None:
                    return status
            elif self._plain is not None and (code := self._plain.poll()) is not None:
                return f"exited {code}" if code >= 0 else f"killed by signal {-code}"
            time.sleep(_STATUS_PAUSE_S)
        return "status unknown"

    def minor_faults(self) -> int:
        """Page faults of the process until now."""
        return int(os.pread(self._faults, 1024, 0).rsplit(b")", 1)[1].split()[_MINOR_FAULTS - 2])

    def resident_bytes(self) -> int:
        """What the process has in memory now."""
        pages = Path(f"/proc/{self.pid}/statm").read_text("ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGESIZE")

    def close(self) -> None:
        """End the process and free what belongs to it."""
        self._watch.stop()
        if self.tracee is not None:
            self.tracee.close()
        for fd in (self._requests, self._answers, self._faults):
            os.close(fd)
        if self._plain is not None:
            self._plain.kill()
            self._plain.wait()
