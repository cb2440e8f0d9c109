"""Several modes of one function side by side: a few requests to each in turn, on the same machine."""

from __future__ import annotations

import platform
import statistics
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from groundhog import _core
from groundhog.bench.lane import OFF, Lane

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from groundhog.config import Function, Limits

BATCH = 10
"""Requests to one lane before the next one's turn."""


@dataclass(frozen=True, slots=True)
class Row:
    """One mode of one function; times in seconds, medians unless said otherwise."""

    function: str
    mode: str
    requests: int
    request: float
    request_p95: float
    restore: float | None
    restore_p95: float | None
    phases: dict[str, float]
    dirty_pages: float | None
    tracking_faults: float | None
    """Writes of a request to protected pages, on average."""
    page_faults: float
    """All minor page faults of a request, on average."""
    snapshot_seconds: float | None
    snapshot_bytes: int | None
    resident_bytes: int


def _p95(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=20)[-1] if len(values) > 1 else values[0]


def _row(function: str, lane: Lane) -> Row:
    samples, snapshot = lane.samples, lane.snapshot
    restored = bool(samples.restores)
    return Row(
        function=function,
        mode=lane.mode,
        requests=len(samples.requests),
        request=statistics.median(samples.requests),
        request_p95=_p95(samples.requests),
        restore=statistics.median(samples.restores) if restored else None,
        restore_p95=_p95(samples.restores) if restored else None,
        phases={name: statistics.median(seconds) for name, seconds in samples.phases.items()},
        dirty_pages=statistics.median(samples.dirty) if restored else None,
        tracking_faults=statistics.fmean(samples.tracking_faults) if restored else None,
        page_faults=statistics.fmean(samples.page_faults),
        snapshot_seconds=snapshot.duration if snapshot else None,
        snapshot_bytes=snapshot.bytes if snapshot else None,
        resident_bytes=lane.resident_bytes(),
    )


def measure(
    function: Function,
    payload: Any,
    modes: Sequence[str],
    *,
    requests: int,
    warmup: int,
    limits: Limits | None = None,
    progress: Callable[[int], object] = lambda _: None,
) -> list[Row]:
    """Measure a function in several modes at once.

    Args:
        function: what to run.
        payload: what every request carries.
        modes: ``off`` and names of strategies.
        requests: how many to measure, in each mode.
        warmup: how many to send before the snapshot.
        limits: how long a start, and each request, may take.
        progress: told after each batch how many requests that was.
    """
    with ExitStack() as stack:
        lanes = [
            stack.enter_context(closing(Lane(function, payload, mode, warmup, limits))) for mode in modes
        ]
        done = 0
        while done < requests:
            batch = min(BATCH, requests - done)
            # Each round begins with another one, so that none always follows the same neighbour.
            first = (done // BATCH) % len(lanes)
            for lane in lanes[first:] + lanes[:first]:
                for _ in range(batch):
                    lane.step()
                progress(batch)
            done += batch
        return [_row(function.name, lane) for lane in lanes]


def default_modes() -> list[str]:
    """No isolation, the strategy that this machine gets, and the published one where it works."""
    capabilities = _core.capabilities()
    preferred = capabilities["preferred"]
    names = [OFF] + ([preferred] if preferred else [])
    if capabilities["strategies"]["classic"] is None and "classic" not in names:
        names.append("classic")
    return names


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    uname = platform.uname()
    return {
        "kernel": uname.release,
        "machine": uname.machine,
        "processor": _processor(),
        "python": platform.python_version(),
        "groundhog": _core.__version__,
        "memcpy_seconds_per_page": _core.memcpy_seconds_per_page(),
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:  # noqa: PTH123 - read line by line
            for line in lines:
                name, _, value = line.partition(":")
                if name.strip() == "model name":
                    return value.strip()
    except OSError:
        pass
    return "unknown"
