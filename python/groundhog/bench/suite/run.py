"""Measures functions of the suite in several modes side by side, and keeps what it has measured in a file.

Latency is that of one request after another, with a pause while the process is reverted: the load is low.
Throughput is that of a client which always has the next request ready: what a restore takes counts. Modes
take turns, in slices, so that what else happens on the machine meets all of them.
"""

from __future__ import annotations

import json
import statistics
import time
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from groundhog.bench.lane import OFF, Samples
from groundhog.bench.paired import machine
from groundhog.bench.suite.modes import Measured, answer_of, applies, measured

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from groundhog.bench.suite.building import Ready
    from groundhog.bench.suite.case import Case

_SLICES = 20
"""How often the modes take turns."""
_WARM_S = 3.0
"""How long requests may take before anything is measured, twice in each mode."""
_FEWEST_ROUNDS = 2


@dataclass(frozen=True, slots=True)
class Settings:
    """How much is measured."""

    requests: int = 300
    """The most in each mode of a function."""
    seconds: float = 6.0
    """How long they may take, in each mode."""
    fewest: int = 10
    """So many are measured in any case."""
    rounds: int = 24
    """Requests before the snapshot, and again, restored, after it: the most."""


QUICK = Settings(requests=10, seconds=0.2, fewest=2, rounds=2)


class WrongAnswerError(Exception):
    """A function answered something else than it has to."""


def measure(
    ready: Ready, modes: Iterable[str], settings: Settings, tell: Callable[[str], object]
) -> list[dict[str, Any]]:
    """Measure a function in several modes; a row for each.

    Args:
        ready: the function.
        modes: which ones; all of them apply.
        settings: how much.
        tell: is told what is done at the moment.

    Raises:
        GroundhogError: it does not run in one of the modes.
        WrongAnswerError: it answered something else in one of them.
    """
    case = ready.case
    rounds = _rounds(ready, settings)
    with ExitStack() as stack:
        lanes: list[Measured] = []
        for mode in modes:
            tell(f"{case.id}: starts, {mode}")
            lane = measured(mode, ready, rounds)
            lanes.append(stack.enter_context(closing(lane)))
        counts = [_count(lane, case, settings) for lane in lanes]
        for turn in range(_SLICES):
            tell(f"{case.id}: latency {turn + 1}/{_SLICES}")
            for lane, count in _in_turn(lanes, counts, turn):
                for _ in range(_share(count, turn)):
                    lane.step()
                _check(lane, case)
        elapsed = [0.0] * len(lanes)
        for turn in range(_SLICES):
            tell(f"{case.id}: throughput {turn + 1}/{_SLICES}")
            for lane, count in _in_turn(lanes, counts, turn):
                start = time.perf_counter()
                for _ in range(_share(count, turn)):
                    lane.cycle()
                elapsed[lanes.index(lane)] += time.perf_counter() - start
        rates = [count / seconds for count, seconds in zip(counts, elapsed, strict=True)]
        return [_row(case, lane, rate) for lane, rate in zip(lanes, rates, strict=True)]


def _rounds(ready: Ready, settings: Settings) -> int:
    """How many requests go before: fewer of slow functions."""
    with closing(measured(OFF, ready, 1)) as lane:
        start = time.perf_counter()
        lane.cycle()
        each = time.perf_counter() - start
    return max(_FEWEST_ROUNDS, min(settings.rounds, int(_WARM_S / each)))


def _in_turn(lanes: Sequence[Measured], counts: Sequence[int], turn: int) -> Iterator[tuple[Measured, int]]:
    """Each round begins with another one, so that none always follows the same neighbour."""
    first = turn % len(lanes)
    pairs = list(zip(lanes, counts, strict=True))
    return iter(pairs[first:] + pairs[:first])


def _share(count: int, turn: int) -> int:
    """How many of so many requests come in one slice."""
    return count * (turn + 1) // _SLICES - count * turn // _SLICES


def _count(lane: Measured, case: Case, settings: Settings) -> int:
    """How many requests are measured: as many as the time allows."""
    lane.step()
    _check(lane, case)
    start = time.perf_counter()
    lane.cycle()
    each = time.perf_counter() - start
    lane.samples = Samples()
    return max(settings.fewest, min(settings.requests, int(settings.seconds / each)))


def _check(lane: Measured, case: Case) -> None:
    answer = answer_of(lane)
    if answer != case.answer:
        raise WrongAnswerError(f"{case.id}, {lane.mode}: answered {answer!r} instead of {case.answer!r}")


def _row(case: Case, lane: Measured, rate: float) -> dict[str, Any]:
    samples, snapshot = lane.samples, lane.snapshot
    row: dict[str, Any] = {
        "case": case.id,
        "suite": case.suite,
        "name": case.name,
        "language": case.language.value,
        "mode": lane.mode,
        "requests": len(samples.requests),
        "latency": _quantiles(samples.requests),
        "throughput": rate,
        "memory_bytes": lane.memory(),
    }
    if samples.restores:
        row["restore"] = _quantiles(samples.restores)
        row["phases"] = {name: statistics.median(times) for name, times in samples.phases.items()}
        row["dirty_pages"] = statistics.median(samples.dirty)
        row["tracking_faults"] = statistics.fmean(samples.tracking_faults)
    if snapshot is not None:
        row["snapshot"] = {"seconds": snapshot.duration, "bytes": snapshot.bytes, "pages": snapshot.pages}
    return row


def _quantiles(values: Sequence[float]) -> dict[str, float]:
    """In seconds."""
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return {"p50": cuts[49], "p95": cuts[94], "p99": cuts[98]}


class Results:
    """A file of JSON lines: what was measured on first, then a row for each function and mode.

    Args:
        path: the file; what it has of the same machine and settings counts as done.
        settings: how much is measured.

    Raises:
        ValueError: the file has results of another machine, other versions or other settings.
    """

    def __init__(self, path: Path, settings: Settings) -> None:
        self.path = path
        head = {"machine": machine(), "settings": asdict(settings)}
        if not path.exists():
            path.write_text(json.dumps(head) + "\n", "utf-8")
        self._head, self.rows = read(path)
        if _identity(self._head) != _identity(head):
            raise ValueError(
                f"{path} has results of another machine, version or setting: name another file with --output,"
                " or remove it"
            )

    def done(self, case: Case, modes: Iterable[str]) -> bool:
        """Whether a function was measured in all these modes."""
        return set(modes) <= {row["mode"] for row in self.rows if row["case"] == case.id}

    def add(self, rows: list[dict[str, Any]]) -> None:
        """Keep rows: at once, so that nothing is lost when the run is interrupted."""
        with self.path.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
        self.rows += rows


def read(path: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What results were measured on, and their rows."""
    head, *rows = (json.loads(line) for line in path.read_text("utf-8").splitlines())
    return head, rows


def _identity(head: dict[str, Any]) -> Any:
    """What has to be the same where results stand side by side. The time of a copy never is."""
    known = {name: value for name, value in head["machine"].items() if name != "memcpy_seconds_per_page"}
    return known, head["settings"]


def modes_of(case: Case, modes: Iterable[str]) -> list[str]:
    """Those modes that apply to a function."""
    return [mode for mode in modes if applies(case, mode)]
