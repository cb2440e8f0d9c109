"""Render the latest results of ``groundhog bench --json`` as docs/performance.md.

groundhog bench --json > benchmarks/results/NAME.jsonl
benchmarks/image_resize.sh --json > benchmarks/results/NAME-image-resize.jsonl
python benchmarks/render.py benchmarks/results/NAME*.jsonl > docs/performance.md
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

EXPERIMENTS = Path(__file__).with_name("experiments.md")

HEAD = """# Performance

<!-- Written by benchmarks/render.py from {source}: do not edit. -->

Measured by `groundhog bench` on {processor}, Linux {kernel}, Python {python}, Groundhog {groundhog};
one process a mode, driven over bare pipes, a few requests to each in turn. Medians of {requests} requests
a row, with the fresh random numbers that isolated ones get. Copying a page of uncached memory took
**{memcpy:.2f} µs** in the same run: that is the yardstick for the time a dirty page, in which machines differ
widely.

{titles}
{rule}"""

TITLES = (
    "function",
    "mode",
    "request p50 µs",
    "over `off` µs",
    "over `off` %",
    "restore p50 µs",
    "dirty pages",
    "restore µs a page",
    "tracking faults a request",
)

TAIL = """
`off` is a plain process without isolation; `hot` is the default; `classic` protects every page again after
each request and copies page by page, as the published system did. The restore happens after the response.
What it leaves on the next request, where no tracking fault is taken, are cold caches.

Phases of the restore, in µs:

| function | mode | phases |
| --- | --- | --- |"""


def micro(seconds: float | None, digits: int = 1) -> str:
    """A duration in microseconds; nothing for none."""
    return "" if seconds is None else f"{seconds * 1e6:.{digits}f}"


def table_row(row: dict[str, Any], off: float) -> str:
    """One line of the first table."""
    cells = [row["function"], row["mode"], micro(row["request"])]
    restore, pages = row["restore"], row["dirty_pages"]
    if restore is None:
        cells += [""] * 6
    else:
        over = row["request"] - off
        cells += [f"{over * 1e6:+.1f}", f"{over / off * 100:+.1f}", micro(restore), f"{pages:.0f}"]
        cells += [micro(restore / pages, 2), f"{row['tracking_faults']:.2f}"]
    return f"| {' | '.join(cells)} |"


def render(paths: list[Path]) -> str:
    """The whole page; the machine is that of the first."""
    runs = [[json.loads(line) for line in path.read_text("utf-8").splitlines()] for path in paths]
    machine = runs[0][0]["machine"]
    rows = [row for run in runs for row in run[1:]]
    head = HEAD.format(
        source=", ".join(path.as_posix() for path in paths),
        requests=" to ".join(str(count) for count in sorted({row["requests"] for row in rows})),
        memcpy=machine["memcpy_seconds_per_page"] * 1e6,
        titles=f"| {' | '.join(TITLES)} |",
        rule=f"| --- | --- |{' ---: |' * (len(TITLES) - 2)}",
        **{name: machine[name] for name in ("processor", "kernel", "python", "groundhog")},
    )
    baseline = {row["function"]: row["request"] for row in rows if row["mode"] == "off"}
    page = [head, *(table_row(row, baseline[row["function"]]) for row in rows), TAIL]
    for row in rows:
        if row["phases"]:
            phases = ", ".join(f"{name} {micro(seconds, 0)}" for name, seconds in row["phases"].items())
            page.append(f"| {row['function']} | {row['mode']} | {phases} |")
    return "\n".join([*page, "", EXPERIMENTS.read_text("utf-8").rstrip()])


if __name__ == "__main__":
    print(render([Path(name) for name in sys.argv[1:]]))
