"""Tables and figures of what the suite has measured."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any

from groundhog.bench.lane import OFF
from groundhog.bench.suite import figures
from groundhog.bench.suite.building import SUITES
from groundhog.bench.suite.modes import AGAIN, CLASSIC, COLD, FORK, NOP, REQUEST, WASM
from groundhog.bench.suite.run import read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    Row = dict[str, Any]
    Functions = dict[str, dict[str, Row]]

PUBLISHED = {
    "latency, median": "+1.5 %",
    "latency, 95th percentile": "+7 %",
    "throughput, median": "-2.5 %",
    "throughput, 95th percentile": "-49.6 %",
}
"""Over the same functions, with OpenWhisk: Groundhog, EuroSys 2023."""

_HEAD = """# Evaluation

<!-- Written by `groundhog bench suite --report`: do not edit. -->

{count} functions in three suites, those of the published evaluation, on {processor}, Linux {kernel},
Python {python}, Groundhog {groundhog}. One process a mode over bare pipes, the modes in turn, at most
{requests} requests or {seconds:g} s each; every answer was checked. Copying a page of uncached memory took
{memcpy:.2f} µs in the same run.

`off` is a plain process. `off again` is another one: what they differ by is noise. `nop` is traced and never
reverted. `request` is what users get, and `classic` reverts in the published way. `fork` forks for each
request, `cold` starts a new process for each, and `wasm` makes a new instance under Wasmtime.

| over `off` | `request` | noise (`off again`) | `classic` | published |
| --- | ---: | ---: | ---: | ---: |
"""

_TITLES = (
    "function",
    "off ms",
    "noise %",
    "nop %",
    "request %",
    "classic %",
    "fork %",
    "cold x",
    "wasm %",
    "throughput %",
    "restore ms",
    "dirty pages",
    "x memcpy",
    "memory x",
)


def write(results: Path, folder: Path) -> list[Path]:
    """Write ``evaluation.md`` and its figures.

    Args:
        results: what was measured.
        folder: where it is written; figures go to ``images`` in it.

    Returns:
        The files.
    """
    head, rows = read(results)
    functions = _by_function(rows)
    images = folder / "images"
    images.mkdir(parents=True, exist_ok=True)
    drawn = figures.draw(functions, head["machine"]["memcpy_seconds_per_page"], images)
    page = folder / "evaluation.md"
    page.write_text(render(head, functions, [path.name for path in drawn]), "utf-8")
    return [page, *drawn]


def _by_function(rows: Iterable[Row]) -> Functions:
    """In the order of the suites. A function that was measured twice in a mode counts the last time."""
    functions: Functions = {}
    for row in sorted(rows, key=lambda row: SUITES.index(row["suite"])):
        functions.setdefault(row["case"], {})[row["mode"]] = row
    return {name: modes for name, modes in functions.items() if OFF in modes}


def latency(modes: dict[str, Row], mode: str) -> float | None:
    """By how much longer than without isolation half of the requests take, at least; 0.01 is one percent."""
    return modes[mode]["latency"]["p50"] / modes[OFF]["latency"]["p50"] - 1 if mode in modes else None


def throughput(modes: dict[str, Row], mode: str) -> float | None:
    """How many more requests a second; negative: fewer."""
    return modes[mode]["throughput"] / modes[OFF]["throughput"] - 1 if mode in modes else None


def render(head: dict[str, Any], functions: Functions, images: Sequence[str]) -> str:
    """The page."""
    machine, settings = head["machine"], head["settings"]
    text = _HEAD.format(
        count=len(functions),
        requests=settings["requests"],
        seconds=settings["seconds"],
        memcpy=machine["memcpy_seconds_per_page"] * 1e6,
        **{name: machine[name] for name in ("processor", "kernel", "python", "groundhog")},
    )
    text += "\n".join(_summary(functions)) + "\n"
    text += "".join(f"\n![{name}](images/{name})\n" for name in images if name.endswith(".svg"))
    for suite in SUITES:
        chosen = {name: modes for name, modes in functions.items() if modes[OFF]["suite"] == suite}
        if chosen:
            text += f"\n## {suite}\n\n| {' | '.join(_TITLES)} |\n| --- |{' ---: |' * (len(_TITLES) - 1)}\n"
            memcpy = machine["memcpy_seconds_per_page"]
            text += "".join(f"| {' | '.join(_cells(modes, memcpy))} |\n" for modes in chosen.values())
    return text


def _summary(functions: Functions) -> list[str]:
    lines = []
    measures: list[tuple[str, Callable[[dict[str, Row], str], float | None], float]] = [
        ("latency, median", latency, 0.5),
        ("latency, 95th percentile", latency, 0.95),
        ("throughput, median", throughput, 0.5),
        ("throughput, 95th percentile", throughput, 0.05),
    ]
    for name, measure, at in measures:
        cells = []
        for mode in (REQUEST, AGAIN, CLASSIC):
            values = [found for modes in functions.values() if (found := measure(modes, mode)) is not None]
            cells.append(_percent(quantile(values, at)))
        lines.append(f"| {name} | {' | '.join(cells)} | {PUBLISHED[name]} |")
    return lines


def quantile(values: Sequence[float], at: float) -> float | None:
    """The value below which that part of all is; None: there are too few."""
    if not values:
        return None
    if len(values) == 1:
        return values[0]
    return statistics.quantiles(values, n=100, method="inclusive")[round(at * 100) - 1]


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value * 100:+.1f} %"


def _cells(modes: dict[str, Row], memcpy: float) -> list[str]:
    def over(mode: str) -> str:
        value = latency(modes, mode)
        return "" if value is None else f"{value * 100:+.1f}"

    off, isolated = modes[OFF], modes.get(REQUEST, {})
    cold = latency(modes, COLD)
    rate = throughput(modes, REQUEST)
    restore, pages = isolated.get("restore"), isolated.get("dirty_pages")
    memory = isolated.get("memory_bytes")
    return [
        off["name"],
        f"{off['latency']['p50'] * 1e3:.3f}",
        over(AGAIN),
        over(NOP),
        over(REQUEST),
        over(CLASSIC),
        over(FORK),
        "" if cold is None else f"{cold + 1:.1f}",
        over(WASM),
        "" if rate is None else f"{rate * 100:+.1f}",
        "" if restore is None else f"{restore['p50'] * 1e3:.3f}",
        "" if pages is None else f"{pages:.0f}",
        "" if restore is None or not pages else f"{restore['p50'] / pages / memcpy:.2f}",
        "" if memory is None or not off["memory_bytes"] else f"{memory / off['memory_bytes']:.2f}",
    ]
