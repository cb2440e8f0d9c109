"""One function process in one mode, driven over bare pipes: nothing but the process and its restore."""

from __future__ import annotations

import ctypes
import math
import os
import signal
import subprocess
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundhog._core import Tracee
from groundhog.config import Limits
from groundhog.errors import FunctionTimeoutError, GroundhogError, InitError, TraceeExitedError
from groundhog.protocols.actionloop import PREPARE, Freshness, encode_request, noop_line, parse_ack
from groundhog.runners import command_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from groundhog._core import RestoreReport, SnapshotInfo
    from groundhog.config import Function
    from groundhog.runners.command import Command

OFF = "off"
_READ = 1 << 16
"""At a time. To read into a larger block is to map and unmap it, 10 µs that are not the function's."""
_ANSWER_FD = 3
_NOOPS = 64
_REHEARSALS = 24
"""Restores before the first measured one: enough for the hot set to settle."""
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


@dataclass
class Samples:
    """What was measured; times in seconds."""

    requests: list[float] = field(default_factory=list)
    restores: list[float] = field(default_factory=list)
    phases: dict[str, list[float]] = field(default_factory=dict)
    dirty: list[int] = field(default_factory=list)
    tracking_faults: list[int] = field(default_factory=list)
    page_faults: list[int] = field(default_factory=list)


class Lane:
    """A warmed process; `step` sends it one request.

    Args:
        function: what it runs.
        payload: what every request carries.
        mode: ``off`` for a plain process, else the name of a strategy.
        warmup: requests before the snapshot, beside the function's own.
        limits: how long its start, and each request, may take.

    Raises:
        InitError: the function does not load, or not in time.
        TraceeExitedError: its process ended; also raised by `step`.
        FunctionTimeoutError: it did not answer in time; also raised by `step`.
    """

    def __init__(
        self, function: Function, payload: Any, mode: str, warmup: int, limits: Limits | None = None
    ) -> None:
        self.mode = mode
        self._limits = limits or Limits()
        self.samples = Samples()
        self.snapshot: SnapshotInfo | None = None
        self._line = encode_request(payload)
        self._freshens = False
        self._tracee: Tracee | None = None
        self._plain: subprocess.Popen[bytes] | None = None
        process = self._start(command_for(function))
        if isinstance(process, Tracee):
            self._tracee = process
            self._watch = _Watch(lambda: process.alive, process.close)
        else:
            self._plain = process
            self._watch = _Watch(lambda: process.poll() is None, process.kill)
        self._pid = process.pid
        self._faults = os.open(f"/proc/{self._pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
        self._watch.start()
        try:
            self._warm_up(function.warmup, warmup)
        except BaseException:
            self.close()
            raise

    def _warm_up(self, requests: Sequence[Any], warmup: int) -> None:
        control = self._acknowledge()
        self._freshens = control and self.mode != OFF  # as a pool does, for whose processes it is made
        lines = [*map(encode_request, requests), *[self._line] * warmup]
        if control:
            lines = [*lines, *[noop_line()] * _NOOPS, PREPARE]
        for line in lines:
            with self._watch.limit(self._limits.timeout_s):
                self._exchange(line)
        if self._tracee is not None:
            self.snapshot = self._tracee.snapshot()
        for _ in range(_REHEARSALS):
            with self._watch.limit(self._limits.timeout_s):
                self._exchange(self._line)
            if self._tracee is not None:
                self._tracee.restore()

    def _start(self, command: Command) -> Tracee | subprocess.Popen[bytes]:
        stdin, self._requests = os.pipe()
        self._answers, answers = os.pipe()
        null = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        try:
            if self.mode == OFF:
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
                command.argv, env=command.env, cwd=command.cwd, fds=fds, strategy=self.mode, trusted=True
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

    def _exchange(self, line: bytes) -> None:
        if self._freshens:
            line = Freshness(os.urandom(Freshness.SIZE), time.time_ns()).prefix + line
        rest = memoryview(line)
        try:
            while rest:
                rest = rest[os.write(self._requests, rest) :]
        except BrokenPipeError:
            raise self._ended() from None
        if not self._read_line():
            raise self._ended()

    def _named(self) -> str:
        return f"function process {self._pid} (mode {self.mode})"

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
            if self._tracee is not None:
                status = self._tracee.exit_status
                if status is not None:
                    return status
            elif self._plain is not None and (code := self._plain.poll()) is not None:
                return f"exited {code}" if code >= 0 else f"killed by signal {-code}"
            time.sleep(_STATUS_PAUSE_S)
        return "status unknown"

    def _minor_faults(self) -> int:
        return int(os.pread(self._faults, 1024, 0).rsplit(b")", 1)[1].split()[_MINOR_FAULTS - 2])

    def step(self) -> None:
        """Send one request, note how long it took; restore, note what that took."""
        faults = self._minor_faults()
        with self._watch.limit(self._limits.timeout_s):
            start = time.perf_counter()
            self._exchange(self._line)
            end = time.perf_counter()
        samples = self.samples
        samples.requests.append(end - start)
        samples.page_faults.append(self._minor_faults() - faults)
        if self._tracee is not None:
            self._note(self._tracee.restore())

    def _note(self, report: RestoreReport) -> None:
        samples = self.samples
        samples.restores.append(report.duration)
        samples.dirty.append(report.pages_dirty)
        samples.tracking_faults.append(report.pages_faulted)
        for name, seconds in report.phases.items():
            samples.phases.setdefault(name, []).append(seconds)

    def resident_bytes(self) -> int:
        """What the process has in memory now."""
        pages = Path(f"/proc/{self._pid}/statm").read_text("ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGESIZE")

    def close(self) -> None:
        """End the process and free what belongs to it."""
        self._watch.stop()
        if self._tracee is not None:
            self._tracee.close()
        for fd in (self._requests, self._answers, self._faults):
            os.close(fd)
        if self._plain is not None:
            self._plain.kill()
            self._plain.wait()
