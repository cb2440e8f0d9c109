"""docs/comparison.md, from the results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

PLAIN = "gunicorn"
AGAIN = "gunicorn, once more"
OFF = "`groundhog serve --isolation off`"
REQUEST = "`groundhog serve`"
CLASSIC = "`groundhog serve --strategy classic`"
RENEWED = "gunicorn `--max-requests 1`"
PRELOADED = "gunicorn `--max-requests 1 --preload`"
FORKED = "a fork for each request"
PROCESS = "a new process for each request"
RESTORED = "a restore by CRIU for each request"

HOW = {
    PLAIN: ("nothing", "one warm worker, as most people have it"),
    AGAIN: ("nothing", "the same: what it differs by is noise"),
    OFF: ("nothing", "the same gunicorn behind our front: what the front costs"),
    REQUEST: (
        "memory, files, descriptors, threads and settings of the process",
        "the same, reverted after each response",
    ),
    CLASSIC: ("the same", "reverted in the published way"),
    RENEWED: ("the process, not its files", "the worker ends after its response; the next one imports anew"),
    PRELOADED: ("the process, not its files", "the same, forked from a master that has imported all"),
    FORKED: (
        "the process, not its files",
        "a server of the standard library; the child has one thread, and no warm caches of its own",
    ),
    PROCESS: ("the process, not its files", "CGI: Python starts and imports for each request"),
    RESTORED: ("the process", "killed, and made anew from a checkpoint in files"),
}

TEMPLATE = Path(__file__).with_name("template.md")
ABSENT = "\nNot measured: {what}: `{why}`.\n"


def render(results: Path) -> str:
    """The page, from a file of results."""
    first, *rows = [json.loads(line) for line in results.read_text("utf-8").splitlines()]
    return TEMPLATE.read_text("utf-8").format(
        source=results.as_posix(),
        rows="".join(map(_line, rows)),
        absent="".join(ABSENT.format(what=what, why=why) for what, why in first["absent"].items()),
        how="\n".join(f"- {name}: {how}." for name, (_, how) in HOW.items() if name not in first["absent"]),
        **first["machine"],
    )


def _line(row: dict[str, Any]) -> str:
    times = [f"{row[name] * 1e3:.2f}" for name in ("p50_s", "p95_s")]
    cells = [row["name"], HOW[row["name"]][0], *times, f"{row['p50_ratio']:.2f}"]
    cells += [f"{row['at_once_s'] * 1e3:.2f}", f"{row['at_once_ratio']:.2f}"]
    return f"| {' | '.join(cells)} |\n"
