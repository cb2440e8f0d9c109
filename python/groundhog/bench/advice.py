"""What makes a function's requests or restores slow, and what to do about it."""

from __future__ import annotations

import statistics
from contextlib import closing
from typing import TYPE_CHECKING, Any

from groundhog.bench.lane import Lane

if TYPE_CHECKING:
    from groundhog._core import RestoreReport
    from groundhog.config import Function, Limits

_REQUESTS = 20
_WARM = 30
_SLOWER = 1.25
"""Times; less is noise."""
_NOISE_S = 0.0005
"""Likewise, of short requests."""
_SHOWN = 4
_LARGE_PART = 0.1
"""Of all dirty pages: smaller regions are not named."""
_MANY_PAGES = 500
_COLD_WRITES = 20
"""Tracking faults a request: half a microsecond each, and more for what it makes the processor forget."""
_KIB = 4


def advise(function: Function, payload: Any, strategy: str, limits: Limits) -> list[str]:
    """Run a function as it would be deployed, with its own warm-up alone, and say what is noticed.

    Args:
        function: what is run.
        payload: what every request carries.
        strategy: how its writes are followed.
        limits: how long a start, and each request, may take.

    Returns:
        A sentence or two for each thing; none, if there is nothing to be said.
    """
    found = _warm_up(function, payload, strategy, limits)
    with closing(Lane(function, payload, strategy, warmup=0, limits=limits)) as lane:
        for _ in range(_REQUESTS):
            lane.step()
        report = lane.report
        faults = statistics.median(lane.samples.tracking_faults)
        lane.serve()
        regions = lane.changes()
    assert report is not None  # noqa: S101 - it was restored
    return [*found, *_pages(regions), *_faults(faults), *_calls(report)]


def _warm_up(function: Function, payload: Any, strategy: str, limits: Limits) -> list[str]:
    times = []
    for warmup in (0, _WARM):
        with closing(Lane(function, payload, strategy, warmup, limits)) as lane:
            for _ in range(_REQUESTS):
                lane.step()
            times.append(statistics.quantiles(lane.samples.requests, n=4)[0])
    as_deployed, warmer = times
    if as_deployed < max(_SLOWER * warmer, warmer + _NOISE_S):
        return []
    more = (
        "more --warmup requests, or --warmup-rounds"
        if function.warmup
        else "--warmup with requests like real ones"
    )
    slower = f"{as_deployed / warmer:.1f} times as long as after {_WARM} warm-up requests"
    return [f"Each request takes {slower}: it imports, compiles or fills caches, every time. Give {more}."]


def _pages(regions: list[dict[str, Any]]) -> list[str]:
    total = sum(region["pages"] for region in regions)
    if total < _MANY_PAGES:
        return []
    by_name: dict[str, int] = {}
    for region in regions:
        name = region["name"] or "anonymous memory"
        by_name[name] = by_name.get(name, 0) + region["pages"]
    largest = sorted(by_name.items(), key=lambda item: -item[1])[:_SHOWN]
    named = [
        f"{name} {pages} ({pages / total:.0%})" for name, pages in largest if pages >= _LARGE_PART * total
    ]
    size = f"{total} pages ({total * _KIB / 1024:.1f} MiB)"
    what_to_do = "Fewer or smaller objects made in a request make restores faster."
    return [f"A request writes {size}, which each restore copies back: {', '.join(named)}. {what_to_do}"]


def _faults(faults: float) -> list[str]:
    if faults < _COLD_WRITES:
        return []
    spread = f"Half of the requests write {faults:.0f} or more pages that earlier ones did not"
    return [f"{spread}: memory is laid out anew each time. Buffers that are made at load are found ready."]


def _calls(report: RestoreReport) -> list[str]:
    found = []
    if report.stops:
        named = sorted(report.stops.items(), key=lambda item: -item[1])[:_SHOWN]
        calls = ", ".join(f"{name} {count}" for name, count in named)
        found.append(
            f"System calls of a request stop the process, for some 5 to 10 µs each: {calls}. What can be"
            " opened, connected or set at load costs nothing later."
        )
    if report.threads_ended:
        found.append(
            f"A request leaves {report.threads_ended} new threads, which are ended: a pool of threads that is"
            " made, and used, at load or in the warm-up stays."
        )
    if report.children_killed:
        found.append(f"A request leaves {report.children_killed} child processes, which are killed.")
    if report.connections_shut:
        found.append(
            f"A request uses {report.connections_shut} connections of the load time, which are shut down"
            " after it: see --connections."
        )
    return found
