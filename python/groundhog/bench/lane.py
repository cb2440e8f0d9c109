"""One function process in one mode, measured over bare pipes: nothing but the process and its restore."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from groundhog.bench.piped import Piped
from groundhog.config import Limits
from groundhog.protocols.actionloop import PREPARE, encode_request, noop_line
from groundhog.runners import command_for
from groundhog.worker.watching import WINDOW, LayoutWatch, frequent_calls

if TYPE_CHECKING:
    from collections.abc import Sequence

    from groundhog._core import RestoreReport, SnapshotInfo, Tracee
    from groundhog.config import Function

OFF = "off"
_NOOPS = 64
_REHEARSALS = 24
"""Enough for the hot set to settle."""


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
        restores: false: it is traced, and its snapshot is never gone back to.
        rehearsals: requests and restores before the first one that is measured.

    Raises:
        InitError: the function does not load, or not in time.
        TraceeExitedError: its process ended; also raised by `step`.
        FunctionTimeoutError: it did not answer in time; also raised by `step`.
    """

    def __init__(
        self,
        function: Function,
        payload: Any,
        mode: str,
        warmup: int,
        limits: Limits | None = None,
        *,
        restores: bool = True,
        rehearsals: int = _REHEARSALS,
    ) -> None:
        self.mode = mode
        self.samples = Samples()
        self.snapshot: SnapshotInfo | None = None
        self.answer = b""
        """The last one."""
        self.report: RestoreReport | None = None
        """What the last restore did that was measured."""
        self._line = encode_request(payload)
        self._restores = restores and mode != OFF
        strategy = None if mode == OFF else mode
        start = partial(Piped, command_for(function), strategy, limits or Limits(), f"mode {mode}")
        self._process = start()
        try:
            self._warm_up(function.warmup, warmup)
            if not self._is_worth_watching():
                self._process.close()
                self._process = start(watch=False)
                self._warm_up(function.warmup, warmup)
            for _ in range(rehearsals):
                self.cycle()
        except BaseException:
            self.close()
            raise

    @property
    def _tracee(self) -> Tracee | None:
        return self._process.tracee

    def _is_worth_watching(self) -> bool:
        """Whether a pool would go on watching it for its frequent calls."""
        watch = LayoutWatch()
        if (tracee := self._tracee) is not None:
            for _ in range(WINDOW):
                self.serve()
                watch.note(frequent_calls(tracee.restore()))
        return watch.wanted

    def _warm_up(self, requests: Sequence[Any], warmup: int) -> None:
        process = self._process
        # As a pool does, for whose processes it is.
        process.freshens = process.takes_control and self._restores
        lines = [*map(encode_request, requests), *[self._line] * warmup]
        if process.takes_control:
            lines = [*lines, *[noop_line()] * _NOOPS, PREPARE]
        for line in lines:
            with process.in_time():
                process.exchange(line)
        if self._tracee is not None:
            self.snapshot = self._tracee.snapshot()

    def serve(self) -> None:
        """Send one request, and leave the process as it is after it."""
        with self._process.in_time():
            self.answer = self._process.exchange(self._line)

    def changes(self) -> list[dict[str, Any]]:
        """Which memory differs from the snapshot now: regions, with their names and pages."""
        return self._tracee.changes()["memory"] if self._tracee is not None else []

    def cycle(self) -> None:
        """Send one request, and restore."""
        self.serve()
        if self._restores and self._tracee is not None:
            self._tracee.restore()

    def step(self) -> None:
        """Send one request, note how long it took; restore, note what that took."""
        process, samples = self._process, self.samples
        faults = process.minor_faults()
        with process.in_time():
            start = time.perf_counter()
            self.answer = process.exchange(self._line)
            end = time.perf_counter()
        samples.requests.append(end - start)
        samples.page_faults.append(process.minor_faults() - faults)
        if self._restores and self._tracee is not None:
            self.report = self._tracee.restore()
            self._note(self.report)

    def _note(self, report: RestoreReport) -> None:
        samples = self.samples
        samples.restores.append(report.duration)
        samples.dirty.append(report.pages_dirty)
        samples.tracking_faults.append(report.pages_faulted)
        for name, seconds in report.phases.items():
            samples.phases.setdefault(name, []).append(seconds)

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def resident_bytes(self) -> int:
        """What the process has in memory now."""
        return self._process.resident_bytes()

    def close(self) -> None:
        """End the process and free what belongs to it."""
        self._process.close()
