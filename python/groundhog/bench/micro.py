"""How the time of a restore grows with what a process has: one quantity at a time, all else small.

Times stand beside two that were measured in the same run: a copy of a page of uncached memory, and a system
call that does nothing. Machines differ widely in both.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from groundhog import _core
from groundhog.bench import functions
from groundhog.bench.lane import Lane
from groundhog.config import Function, Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

SWEEPS = {
    "dirty pages": ("pages", {"mib": 128}, (0, 10, 30, 100, 300, 1000, 3000, 10000, 30000)),
    "MiB, 1,000 pages dirty in one part": (
        "mib",
        {"pages": 1000},
        (16, 64, 256, 1024, 4096, 8192),
    ),
    "MiB, 1,000 pages dirty all over": (
        "mib",
        {"pages": 1000, "spread": 1},
        (16, 64, 256, 1024, 4096, 8192),
    ),
    "further threads": ("threads", {}, (0, 1, 3, 7, 15, 31, 63)),
    "further mappings": ("mappings", {}, (10, 100, 1000, 10000)),
    "further descriptors": ("descriptors", {}, (0, 10, 100, 1000)),
}
"""What grows: its name in a shape, what the process has besides, and its values."""
_QUICK_VALUES = 2
_SYSCALLS = 20_000


@dataclass(frozen=True, slots=True)
class Point:
    """One process; times in seconds, medians."""

    sweep: str
    value: int
    restore: float
    request: float
    dirty_pages: float
    phases: dict[str, float]
    snapshot_seconds: float
    memory_bytes: int


def syscall_seconds() -> float:
    """How long a system call takes that does nothing, the call from Python included."""
    start = time.perf_counter()
    for _ in range(_SYSCALLS):
        os.getppid()
    return (time.perf_counter() - start) / _SYSCALLS


def measure(sweep: str, value: int, requests: int) -> Point:
    """Measure a process that has so much of what a sweep is about."""
    quantity, besides, _ = SWEEPS[sweep]
    file = Path(functions.__file__).parent / "shaped.py"
    function = Function.from_file(file, env={"GROUNDHOG_SHAPE": json.dumps({**besides, quantity: value})})
    strategy = str(_core.capabilities()["preferred"])
    limits = Limits(timeout_s=60, start_timeout_s=120)
    with closing(Lane(function, {"byte": 7}, strategy, warmup=5, limits=limits)) as lane:
        for _ in range(requests):
            lane.step()
        samples, snapshot = lane.samples, lane.snapshot
        assert snapshot is not None  # noqa: S101 - it has a strategy
        return Point(
            sweep,
            value,
            statistics.median(samples.restores),
            statistics.median(samples.requests),
            statistics.median(samples.dirty),
            {name: statistics.median(times) for name, times in samples.phases.items()},
            snapshot.duration,
            lane.resident_bytes() + snapshot.bytes,
        )


def points(
    requests: int, tell: Callable[[str], object], leave_out: Callable[[str], object], *, quick: bool
) -> Iterator[Point]:
    """Measure all sweeps.

    Args:
        requests: how many a process.
        tell: is told what is measured at the moment.
        leave_out: is told what is not, since the machine has too little memory.
        quick: only the first values of each.
    """
    for sweep, (quantity, _, values) in SWEEPS.items():
        for value in values[:_QUICK_VALUES] if quick else values:
            if quantity == "mib" and not _has_room(value):
                leave_out(f"{value} {sweep}")
                continue
            tell(f"{value} {sweep}")
            yield measure(sweep, value, requests)


def _has_room(mib: int) -> bool:
    """For a process of that size, its snapshot, and half as much again."""
    text = Path("/proc/meminfo").read_text("ascii")
    available = next(line.split()[1] for line in text.splitlines() if line.startswith("MemAvailable:"))
    return int(available) > 2.5 * (mib << 10)


def render(points: Iterable[Point], memcpy: float, syscall: float) -> str:
    """Tables in Markdown. ``memcpy``: seconds for a page; ``syscall``: for a call that does nothing."""
    lines = [
        f"Copying a page of uncached memory took {memcpy * 1e6:.2f} µs in the same run; a system call that",
        f"does nothing, from Python, {syscall * 1e6:.2f} µs.",
    ]
    titles = ("restore µs", "in system calls", "dirty pages", "x memcpy", "longest phases, µs")
    last = ""
    for point in points:
        if point.sweep != last:
            last = point.sweep
            lines += ["", f"| {last} | {' | '.join(titles)} |", "| ---: | ---: | ---: | ---: | ---: | --- |"]
        lines.append(f"| {' | '.join(_cells(point, memcpy, syscall))} |")
    return "\n".join(lines) + "\n"


def _cells(point: Point, memcpy: float, syscall: float) -> Iterator[str]:
    phases = sorted(point.phases.items(), key=lambda phase: -phase[1])[:3]
    yield str(point.value)
    yield f"{point.restore * 1e6:.0f}"
    yield f"{point.restore / syscall:.0f}"
    yield f"{point.dirty_pages:.0f}"
    yield f"{point.restore / (point.dirty_pages * memcpy):.2f}" if point.dirty_pages else ""
    yield ", ".join(f"{name} {seconds * 1e6:.0f}" for name, seconds in phases)
