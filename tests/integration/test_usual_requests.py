"""A usual request, which computes an answer, is stopped at no call."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from groundhog import Function, NullObserver, Pool
from tests.framework import programs

if TYPE_CHECKING:
    from collections.abc import Callable

    from groundhog.worker.engine import RestoreReport

pytestmark = pytest.mark.kernel
NUMBERS = [n * 7919 % 1000 for n in range(500)]
ROWS = {"rows": [{"n": n, "name": f"name {n}"} for n in NUMBERS]}
WARMUP = [ROWS] * 30
REQUESTS = 40
STEADY = 20
# Go interrupts whatever has run for 10 ms, by a signal: how often tells about the machine, not the request.
INTERRUPTIONS = {"go": Counter(tgkill=STEADY, rt_sigreturn=STEADY)}

FUNCTIONS: dict[str, Callable[[], Function]] = {
    "python": lambda: Function.from_file(programs.PROGRAMS / "python/rows.py", warmup=WARMUP),
    "node": lambda: Function.from_file(programs.PROGRAMS / "nodejs/rows.js", warmup=WARMUP),
    "go": lambda: Function.from_command(programs.go("rows"), warmup=WARMUP),
}


class Stops(NullObserver):
    """At which calls each request was stopped; those that change the layout are counted only."""

    def __init__(self) -> None:
        self.requests: list[Counter[str]] = []

    def on_restore(self, report: RestoreReport) -> None:
        self.requests.append(Counter(report.stops) + Counter(layout=report.layout_calls))


@pytest.mark.alone  # so that collectors and compilers of a runtime are done in time
@pytest.mark.parametrize("runtime", FUNCTIONS)
async def test_it_is_stopped_at_no_call(runtime: str) -> None:
    """Collectors and compilers of a runtime may come in once or twice, and map memory or send signals."""
    steady = await steady_requests(runtime)
    if runtime == "go" and steady == [{"layout": 1}] * STEADY:
        # Once in many snapshots its heap is just full, and each request makes it grow by the same step.
        steady = await steady_requests(runtime)
    assert steady.count({}) >= STEADY - 2, [stopped for stopped in steady if stopped]


async def steady_requests(runtime: str) -> list[dict[str, int]]:
    """At which calls the last requests of a new process were stopped."""
    stops = Stops()
    async with Pool(FUNCTIONS[runtime](), workers=1, observer=stops) as pool:
        for _ in range(REQUESTS):
            value = (await pool.invoke(ROWS)).value
            assert isinstance(value, dict)
            assert value["sum"] == sum(NUMBERS)
    assert len(stops.requests) >= STEADY
    return [dict(stopped - INTERRUPTIONS.get(runtime, Counter())) for stopped in stops.requests[-STEADY:]]
