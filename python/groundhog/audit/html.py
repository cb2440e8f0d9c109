"""Reports as one HTML file that needs nothing else. All that is not of this module's making is escaped."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --good: #2a7d3f; --bad: #c02f2f; --mild: #a86a00; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 75rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
table { border-collapse: collapse; width: 100%; margin: .8rem 0; }
th, td { text-align: left; padding: .25rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-weight: 600; } td.number { text-align: right; font-variant-numeric: tabular-nums; }
code, pre { font: 13px/1.45 ui-monospace, monospace; } pre { overflow-x: auto; white-space: pre-wrap; }
.good { color: var(--good); } .bad { color: var(--bad); font-weight: 600; } .mild { color: var(--mild); }
@media (prefers-color-scheme: dark) { :root { --good: #6fce88; --bad: #ff8080; --mild: #e0a94a; } }
"""


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def shown(value: Any) -> Markup:
    """Any value, escaped unless it is markup."""
    return value if isinstance(value, Markup) else Markup(escape("" if value is None else str(value)))


def marked(value: Any, kind: str) -> Markup:
    """A value that is ``good``, ``mild`` or ``bad``."""
    return Markup(f'<span class="{escape(kind)}">{shown(value)}</span>')


def code(value: Any) -> Markup:
    """A value as a program has it."""
    return Markup(f"<code>{shown(value)}</code>")


def heading(text: Any) -> Markup:
    """The title of a section."""
    return Markup(f"<h2>{shown(text)}</h2>")


def paragraph(text: Any) -> Markup:
    """One of text."""
    return Markup(f"<p>{shown(text)}</p>")


def table(titles: Sequence[str], rows: Iterable[Sequence[Any]]) -> Markup:
    """A table; numbers stand at the right."""
    head = "".join(f"<th>{shown(title)}</th>" for title in titles)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>\n" for row in rows)
    return Markup(f"<table><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table>")


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f'<td class="number">{value:,.0f}</td>'
    return f'<td class="number">{value}</td>' if isinstance(value, int) else f"<td>{shown(value)}</td>"


def page(title: str, parts: Iterable[Markup]) -> str:
    """The whole file."""
    body = "\n".join(parts)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n<h1>{escape(title)}</h1>\n{body}\n</body>\n</html>\n"
    )
