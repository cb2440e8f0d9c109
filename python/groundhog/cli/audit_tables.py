"""What an audit found, on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from groundhog._text import shown
from groundhog.audit import repetition
from groundhog.audit.answers import encoded
from groundhog.audit.selftest import VERDICT_COLOURS
from groundhog.audit.summaries import conclusions, ending_of, lines_of, shortened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from groundhog.audit.function import Audit, Request
from groundhog.audit.selftest import Finding

_STYLES = {"good": "green", "mild": "yellow", "bad": "bold red"}
_WIDTH = 120


def _console() -> Console:
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, _WIDTH)
    return console


def show_findings(findings: Sequence[Finding], sentences: Sequence[str]) -> None:
    """Every victim, one a line."""
    console = _console()
    table = Table(box=box.SIMPLE_HEAD, highlight=False, padding=(0, 1, 0, 0))
    table.add_column("state, victim", overflow="fold", max_width=50)
    table.add_column("evasion")
    table.add_column("answer", overflow="fold")
    table.add_column("cost", justify="right", no_wrap=True)
    table.add_column("verdict", overflow="fold")
    channel = None
    for found in findings:
        victim = f"{found.language} {found.victim}" + (f" ({found.user})" if found.user else "")
        verdict = Text(found.verdict, _STYLES[VERDICT_COLOURS[found.verdict]])
        if found.note:
            verdict.append(f": {found.note}" if found.verdict != "holds" else f" ({found.note})", "default")
        if found.channel != channel:
            table.add_section()
            table.add_row(Text(found.channel, "bold"))
        table.add_row(
            Text(f"  {victim}"),
            "yes" if found.evasion else "",
            Text(found.answer),
            _cost(found),
            verdict,
        )
        channel = found.channel
    console.print(table)
    for sentence in sentences:
        console.print(Text(sentence), soft_wrap=True)


def _cost(found: Finding) -> str:
    costs = [] if found.restore_us is None else [f"{found.restore_us:,.0f} µs"]
    costs += [] if found.start_ms is None else [f"start {found.start_ms:,.0f} ms"]
    return ", ".join(costs)


def _text(text: str, style: str = "") -> Text:
    """What may hold names of a function's making: a terminal that obeyed them would show another verdict."""
    return Text(shown(text), style)


def show_audit(audit: Audit) -> None:
    """A table for each payload, and the conclusions of all requests."""
    console = _console()
    for request in audit.requests[: len(audit.payloads)]:
        _show_request(console, audit, request)
    _show_random_numbers(console, audit)
    for kind, text in conclusions(audit):
        console.print(_text(text, _STYLES[kind]), soft_wrap=True)


def _show_request(console: Console, audit: Audit, request: Request) -> None:
    title = _text(f"request {request.number}: {shortened(encoded(audit.payloads[request.payload]))}")
    table = Table(box=box.SIMPLE_HEAD, highlight=False, title=title, title_justify="left", show_header=False)
    table.add_column("kind", no_wrap=True)
    table.add_column("what", overflow="fold")
    table.add_row("answer", _text(shortened(request.said.answer)))
    plain = audit.unisolated[request.payload].answer
    if plain != request.said.answer:
        table.add_row("unisolated", _text(shortened(plain), "yellow"))
    for kind, what in lines_of(request):
        table.add_row(_text(kind), _text(what))
    for left in request.remains:
        table.add_row(_text("STILL THERE", "bold red"), _text(f"{left.kind}: {left.what}", "bold red"))
    kind = "mild" if request.retired is not None else "good" if request.verified else "bad"
    table.add_row("restore", _text(ending_of(request), _STYLES[kind]))
    console.print(table)


def _show_random_numbers(console: Console, audit: Audit) -> None:
    title = _text(repetition.title(audit.repetition))
    table = Table(box=box.SIMPLE_HEAD, highlight=False, title=title, title_justify="left", show_header=False)
    table.add_column("kind", no_wrap=True)
    table.add_column("names", overflow="fold")
    for kind, label, names in repetition.rows(audit.repetition):
        table.add_row(_text(label, _STYLES[kind]), _text(names))
    console.print(table)
