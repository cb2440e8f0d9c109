"""The two reports of an audit as HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from groundhog.audit import html
from groundhog.audit.answers import encoded
from groundhog.audit.repetition import rows, title
from groundhog.audit.selftest import VERDICT_COLOURS
from groundhog.audit.summaries import conclusions, ending_of, lines_of, shortened

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from groundhog.audit.function import Audit, Request
    from groundhog.audit.html import Markup
    from groundhog.audit.repetition import Known, Private
from groundhog.audit.selftest import Finding


def of_self_test(findings: Sequence[Finding], sentences: Sequence[str], machine: Mapping[str, Any]) -> str:
    """Every victim, under the state that it leaves."""

    def parts() -> Iterator[Markup]:
        yield html.paragraph(f"Linux {machine['kernel']}, strategy {machine['strategy']}")
        for sentence in sentences:
            yield html.paragraph(sentence)
        for channel in dict.fromkeys(finding.channel for finding in findings):
            yield html.heading(channel)
            titles = (
                "victim",
                "evasion",
                "as",
                "answer",
                "requests",
                "restore µs",
                "start ms",
                "verdict",
                "",
            )
            yield html.table(titles, [_row(found) for found in findings if found.channel == channel])

    return html.page("Groundhog: the leak suite", parts())


def _row(found: Finding) -> tuple[Any, ...]:
    return (
        html.code(f"{found.language} {found.victim}"),
        "evasion" if found.evasion else "",
        found.user,
        found.answer,
        found.requests,
        found.restore_us,
        found.start_ms,
        html.marked(found.verdict, VERDICT_COLOURS[found.verdict]),
        found.note,
    )


def of_function(audit: Audit) -> str:
    """One function: the conclusions first, then each request."""

    def parts() -> Iterator[Markup]:
        yield html.paragraph(f"strategy {audit.strategy}, {len(audit.payloads)} payloads")
        yield html.table(("conclusions",), [(html.marked(text, kind),) for kind, text in conclusions(audit)])
        for request in audit.requests:
            yield from _request(audit, request)
        yield html.heading("Random numbers")
        yield from _random_numbers(audit)

    return html.page(f"Groundhog: audit of {audit.function}", parts())


def _request(audit: Audit, request: Request) -> Iterator[Markup]:
    payload = request.payload
    yield html.heading(f"Request {request.number}, payload {payload + 1}")
    rows: list[tuple[Any, ...]] = [
        ("payload", html.code(shortened(encoded(audit.payloads[payload])))),
        ("answer", html.code(shortened(request.said.answer))),
    ]
    if audit.unisolated[payload].answer != request.said.answer:
        rows.append(("without isolation", html.code(shortened(audit.unisolated[payload].answer))))
    rows += [(kind, html.code(what)) for kind, what in lines_of(request)]
    rows += [("STILL THERE", html.marked(f"{left.kind}: {left.what}", "bad")) for left in request.remains]
    kind = "mild" if request.retired is not None else "good" if request.verified else "bad"
    rows.append(("restore", html.marked(ending_of(request), kind)))
    yield html.table(("", "what it left"), rows)


def _random_numbers(audit: Audit) -> Iterator[Markup]:
    found = audit.repetition
    lines = [(html.marked(title, kind), html.code(names)) for kind, title, names in rows(found)]
    yield html.table((title(found), ""), lines)
    generators: list[Known | Private] = [*found.known, *found.private]
    reasons = [(html.code(each), each.note) for each in generators if each.note]
    if reasons:
        yield html.table(("gave nothing", "why"), reasons)
