"""One function process in one mode, driven over bare pipes: nothing but the process and its restore."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundhog._core import Tracee
from groundhog.errors import InitError
from groundhog.protocols.actionloop import PREPARE, encode_request, noop_line
from groundhog.runners import command_for

if TYPE_CHECKING:
    from groundhog._core import RestoreReport, SnapshotInfo
    from groundhog.config import Function
    from groundhog.runners.command import Command

OFF = "off"
_READ = 1 << 20
_ANSWER_FD = 3
_NOOPS = 64
_REHEARSALS = 24
"""Restores before the first measured one: enough for the hot set to settle."""
_MINOR_FAULTS = 9
"""Which field of /proc/PID/stat is ``minflt``, counted from 0; proc_pid_stat(5)."""


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
        warmup: requests before the snapshot.
    """

    def __init__(self, function: Function, payload: Any, mode: str, warmup: int) -> None:
        self.mode = mode
        self.samples = Samples()
        self.snapshot: SnapshotInfo | None = None
        self._line = encode_request(payload)
        self._tracee: Tracee | None = None
        self._plain: subprocess.Popen[bytes] | None = None
        process = self._start(command_for(function))
        if isinstance(process, Tracee):
            self._tracee = process
        else:
            self._plain = process
        self._pid = process.pid
        self._acknowledge()
        self._faults = os.open(f"/proc/{self._pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
        for _ in range(_NOOPS):
            self._exchange(noop_line())
        for _ in range(warmup):
            self._exchange(self._line)
        self._exchange(PREPARE)
        if self._tracee is not None:
            self.snapshot = self._tracee.snapshot()
        for _ in range(_REHEARSALS):
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
                    preexec_fn=partial(os.dup2, answers, _ANSWER_FD),  # noqa: PLW1509 - no thread is started
                )
            fds = {0: stdin, 1: null, 2: null, 3: answers}
            return Tracee.spawn(command.argv, env=command.env, cwd=command.cwd, fds=fds, strategy=self.mode)
        finally:
            for fd in (stdin, answers, null):
                os.close(fd)

    def _acknowledge(self) -> None:
        acknowledged = self._read_line()
        if b'"ok":true' not in acknowledged.replace(b" ", b""):
            self.close()
            raise InitError(f"the function did not start: {acknowledged.decode(errors='replace').strip()}")

    def _read_line(self) -> bytes:
        data = os.read(self._answers, _READ)
        while data and not data.endswith(b"\n"):
            more = os.read(self._answers, _READ)
            if not more:
                break
            data += more
        return data

    def _exchange(self, line: bytes) -> bytes:
        rest = memoryview(line)
        while rest:
            rest = rest[os.write(self._requests, rest) :]
        return self._read_line()

    def _minor_faults(self) -> int:
        return int(os.pread(self._faults, 1024, 0).rsplit(b")", 1)[1].split()[_MINOR_FAULTS - 2])

    def step(self) -> None:
        """Send one request, note how long it took; restore, note what that took."""
        faults = self._minor_faults()
        start = time.perf_counter()
        answer = self._exchange(self._line)
        end = time.perf_counter()
        if not answer:
            raise InitError(f"the function process {self._pid} ended; nothing can be measured")
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
        if self._tracee is not None:
            self._tracee.close()
        os.close(self._requests)
        os.close(self._answers)
        if self._plain is not None:
            self._plain.kill()
            self._plain.wait()
