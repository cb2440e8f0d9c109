"""Render the results as docs/compatibility.md."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.gallery.catalog import GROUPS
from tests.gallery.environment import NODE_FILES, pins
from tests.gallery.measuring import REPLACED, REVERTED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.gallery.catalog import Entry
    from tests.gallery.measuring import Result

HEAD = """# Compatibility

<!-- Written by `make gallery`: do not edit. -->

{count} functions as people have them, with the libraries that they use. `make gallery` runs each of them in
processes without isolation and in one that is reverted after every request, {requests} requests a way, in
pairs.

- *Reverted*: every answer was that of a fresh process, and one process served all requests. Where answers
  hold identifiers or random numbers ({unique} functions), no request got one that another one had got.
- *Replaced*: the answers were right, but processes were retired on the way.

Here: {reverted} reverted, {replaced} replaced, {others} neither. Measured on {machine}.

*Run time* is the median of a request without isolation, *ratio* the median of the same request with isolation
over that; the restore comes after the response. Functions got one warm-up request, those of Node twenty,
unless the table says otherwise. Five more, isolated and not timed, show the pool whether a process is better
not watched for frequent calls. Without isolation, what is compiled or cached by requests makes later ones
faster, and what piles up makes them slower: hence ratios far from 1. Below a millisecond the ratio is that of
the pipe and of waking up: see [performance](performance.md).

Not in the gallery: PyTorch, whose wheel on PyPI brings gigabytes of libraries for GPUs, and `better-sqlite3`,
which has to be compiled where it is installed.
"""
TITLES = (
    "| function | what it shows | libraries | status | run time ms | ratio | restore ms | advice |",
    "| --- | --- | --- | --- | ---: | ---: | ---: | --- |",
)


def render(results: Mapping[str, Result], machine: str) -> str:
    """The whole page. ``results`` has one for each entry."""
    entries = [entry for group in GROUPS.values() for entry in group]
    found = [results[entry.name] for entry in entries]
    reverted = sum(result.status == REVERTED for result in found)
    replaced = sum(result.status == REPLACED for result in found)
    head = HEAD.format(
        count=len(entries),
        requests=max(result.requests for result in found),
        unique=sum(entry.compared == "uniquely" for entry in entries),
        reverted=reverted,
        replaced=replaced,
        others=len(found) - reverted - replaced,
        machine=machine,
    )
    known = versions()
    sections = [head]
    for title, group in GROUPS.items():
        rows = "\n".join(row(entry, results[entry.name], known) for entry in group)
        sections.append("\n".join((f"## {title}\n", *TITLES, rows)) + "\n")
    return "\n".join(sections)


def row(entry: Entry, result: Result, known: Mapping[str, str]) -> str:
    """One line of a table."""
    cells = (
        f"[`{entry.path.stem}`](../tests/gallery/{entry.file})",
        entry.shows,
        ", ".join([f"{name} {known[name]}" for name in entry.packages] + list(entry.programs)),
        status(entry, result),
        _number(result.off, 1000),
        _number(result.ratio),
        _number(result.restore, 1000),
        "; ".join(filter(None, [entry.advice, "" if entry.warmup else "run without a warm-up"])),
    )
    return f"| {' | '.join(cells)} |"


def status(entry: Entry, result: Result) -> str:
    """What became of it, and why."""
    if result.status == REVERTED:
        return "reverted"
    if result.status == REPLACED:
        count = sum(result.retirements.values())
        return f"replaced {count} of {result.requests} times: {entry.replaced or _one_line(result.detail)}"
    return f"**{result.status}**: {_one_line(result.detail)}"


def _one_line(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())[:300]


def _number(value: float | None, factor: float = 1) -> str:
    return "" if value is None else f"{value * factor:.2f}"


def versions() -> dict[str, str]:
    """Of each package, by the name that entries give it."""
    package = json.loads(NODE_FILES[0].read_text("utf-8"))
    pinned = {**pins(), **package["dependencies"]}
    names = {name for group in GROUPS.values() for entry in group for name in entry.packages}
    return {name: pinned.get(name) or pinned[name.lower()] for name in names}
