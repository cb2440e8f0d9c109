"""What the looks at a function say, gathered into lines that people read and into JSON."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from groundhog.audit import repetition

if TYPE_CHECKING:
    from groundhog.audit.function import Audit, Request

LONGEST = 600
ANONYMOUS = "anonymous memory"
_VERBS = {"protected": "protected otherwise"}
_COUNTS = {
    "threads_ended": ("thread", "ended"),
    "threads_put_back": ("ended thread", "put back"),
    "children_killed": ("child process", "killed"),
    "fds_closed": ("descriptor", "closed"),
    "signals_dropped": ("signal", "dropped"),
    "bytes_drained": ("byte", "of late output dropped"),
}


def size(count: int) -> str:
    """Bytes for people."""
    for unit, step in (("GiB", 1 << 30), ("MiB", 1 << 20)):
        if count >= step:
            return f"{count / step:.1f} {unit}"
    return f"{count / 1024:.0f} KiB"


def shortened(text: str) -> str:
    """A text of others, cut where it would hide the rest of a report."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}... ({len(text)} characters)"


def counted(count: int, noun: str) -> str:
    """A number of things."""
    plural = noun + ("es" if noun.endswith("s") else "s")
    return f"{count} {noun if count == 1 else plural}"


def lines_of(request: Request) -> list[tuple[str, str]]:
    """Everything that a request left, as (kind, what), the largest first within a kind."""
    sight = request.sight
    pages: dict[str, int] = defaultdict(int)
    mappings: dict[str, int] = defaultdict(int)
    for change in sight.memory:
        name = (change["name"] or ANONYMOUS) + (" (new)" if change["new"] else "")
        pages[name] += change["pages"]
        mappings[name] += 1
    lines = [
        ("memory", f"{name}: {counted(count, 'page')}{_in_several(mappings[name])}")
        for name, count in sorted(pages.items(), key=lambda item: -item[1])
    ]
    spans: dict[tuple[str, str], list[int]] = defaultdict(list)
    for change in sight.layout:
        spans[change["what"], change["name"] or ANONYMOUS].append(change["end"] - change["start"])
    for (what, name), lengths in sorted(spans.items()):
        verb = _VERBS.get(what, what)
        lines.append(("layout", f"{verb}: {name}, {size(sum(lengths))}{_in_several(len(lengths))}"))
    lines += [(left.kind, left.what) for left in sight.left]
    if sight.unseen:
        lines.append(("not seen", sight.unseen))
    return lines


def _in_several(mappings: int) -> str:
    return f" in {mappings} mappings" if mappings > 1 else ""


def ending_of(request: Request) -> str:
    """What became of it, in a sentence."""
    if request.retired is not None:
        return f"the process was retired: {request.retired}"
    assert request.restore is not None  # noqa: S101 - restored if not retired
    restore = request.restore
    done = [f"{counted(restore['pages_dirty'], 'page')} reverted"]
    done += [
        f"{counted(restore[name], noun)} {verb}" for name, (noun, verb) in _COUNTS.items() if restore[name]
    ]
    proof = "verified: nothing is left in the process" if restore["verified"] else "NOT VERIFIED"
    return f"{', '.join(done)}, in {restore['duration'] * 1e6:.0f} µs; {proof}"


def conclusions(audit: Audit) -> list[tuple[str, str]]:
    """What the answers and restores say, each ``bad``, ``mild`` or ``good``."""
    said = [("mild", f"without isolation, {shortened(str(leak))}") for leak in audit.shown]
    named = {leak.request - 1 for leak in audit.shown}
    said += [
        ("mild", f"without isolation, request {at + 1} was answered differently")
        for at in audit.changed
        if at not in named
    ]
    said += [("bad", f"WITH isolation, {shortened(str(leak))}") for leak in audit.leaks]
    said += [("bad", f"WITH isolation, {shortened(str(repeat))}") for repeat in audit.repeats]
    said += [
        (
            "mild",
            f"payload {at + 1} got two answers with isolation: it depends on time, chance, files or services",
        )
        for at in audit.unstable
    ]
    for request in audit.requests:
        said += [
            ("bad", f"request {request.number} left for later ones: {left.kind}, {left.what}")
            for left in request.remains
        ]
        if not request.verified:
            said.append(("bad", f"the restore after request {request.number} is not verified"))
    said += [
        ("mild", f"the function failed with payload {at + 1}: what it leaves where it does not was not seen")
        for at in audit.never_served
    ]
    retired = sum(request.retired is not None for request in audit.requests)
    restored = len(audit.requests) - retired
    if restored:
        said.append(("good", f"{counted(restored, 'restore')} verified byte by byte"))
    if retired:
        said.append(("mild", f"{counted(retired, 'request')} cost the process: a fresh one took its place"))
    if audit.repetition.requests or audit.repetition.unexamined:
        said += repetition.conclusions(audit.repetition)
    said += [("mild", note) for note in (audit.connections, *audit.notes) if note]
    return said


def as_dict(audit: Audit) -> dict[str, Any]:
    """All of it as JSON values."""
    return {
        "function": audit.function,
        "strategy": audit.strategy,
        "clean": audit.clean,
        "payloads": audit.payloads,
        "unisolated": [dataclasses.asdict(said) for said in audit.unisolated],
        "requests": [
            {**dataclasses.asdict(request), "verified": request.verified} for request in audit.requests
        ],
        "leaks_without_isolation": [dataclasses.asdict(leak) for leak in audit.shown],
        "leaks_with_isolation": [dataclasses.asdict(leak) for leak in audit.leaks],
        "answers_changed_by_isolation": [at + 1 for at in audit.changed],
        "unstable_answers": [at + 1 for at in audit.unstable],
        "repeated_identifiers": [dataclasses.asdict(repeat) for repeat in audit.repeats],
        "random_numbers": dataclasses.asdict(audit.repetition),
        "connections": audit.connections or None,
        "notes": audit.notes,
    }
