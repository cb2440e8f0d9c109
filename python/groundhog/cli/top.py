"""``groundhog top``: what a running server does, as it does it."""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click
from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from groundhog._text import shown
from groundhog.cli import options
from groundhog.cli.readings import Interval, Reading

if TYPE_CHECKING:
    from rich.console import RenderableType

_TIMEOUT_S = 10.0
_LONGEST = 16 * 1024 * 1024
"""Bytes of an answer."""


@dataclass(frozen=True)
class Look:
    """What a server said of itself, and when."""

    info: dict[str, Any]
    reading: Reading
    at: float


@click.command("top")
@click.argument("url", default="http://127.0.0.1:8080")
@click.option(
    "--interval",
    type=options.Seconds(0.1, options.DAY_S),
    default=1.0,
    show_default=True,
    metavar="S",
    help="Seconds between two looks.",
)
@click.option("--once", is_flag=True, help="Print what happens in one interval, and end.")
def command(url: str, interval: float, *, once: bool) -> None:
    """Show what a server does: requests, restores by phase, workers, and why processes were replaced.

    URL is where it listens.  [default: http://127.0.0.1:8080]
    """
    console = Console()
    before = look(url)
    if once or not console.is_terminal:
        time.sleep(interval)
        console.print(view(url, before, look(url)))
        return
    with Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            time.sleep(interval)
            after = look(url)
            live.update(view(url, before, after), refresh=True)
            before = after


def look(url: str) -> Look:
    """Ask a server.

    Raises:
        click.ClickException: it does not answer, or not as Groundhog does.
    """
    metrics, info = (_ask(f"{url.rstrip('/')}/_/{name}") for name in ("metrics", "info"))
    try:
        return Look(_object(json.loads(info)), Reading.of(metrics), time.monotonic())
    except (ValueError, RecursionError) as error:
        raise click.ClickException(
            f"{url} is no server of Groundhog's: its /_/ answers otherwise ({error})"
        ) from None


def _object(info: Any) -> dict[str, Any]:
    if not isinstance(info, dict) or not isinstance(info.get("pool") or {}, dict):
        raise ValueError("what it says of itself is no object")  # noqa: TRY004 - of what it says, not of its type
    return info


def _ask(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise click.ClickException(f"{url}: the URL of a server begins with http:// or https://")
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer:  # noqa: S310 - checked above
            text: str = answer.read(_LONGEST).decode()
            return text
    except urllib.error.HTTPError as error:
        said = error.read(1000).decode(errors="replace")
        raise click.ClickException(f"{url} answers {error.code}: {said}") from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise click.ClickException(
            f"{url} does not answer: {error}; is the server up, and is that its port?"
        ) from None


def view(url: str, before: Look, after: Look) -> RenderableType:
    """What is shown of the time between two looks."""
    seen = Interval(before.reading, after.reading, max(after.at - before.at, 1e-9))
    parts: list[RenderableType] = [_title(url, after.info), _requests(seen), _restores(seen)]
    retired = after.reading.all("retirements")
    if retired:
        parts.append(_retirements(retired, seen))
    if connections := (after.info.get("pool") or {}).get("connections"):
        parts.append(Text(shown(str(connections))))
    return Group(*parts)


def _title(url: str, info: dict[str, Any]) -> Text:
    known = [f"{name} {info[name]}" for name in ("isolation", "strategy", "jail") if info.get(name)]
    return Text(shown(f"{info.get('function', '?')} at {url}: {', '.join(known)}"), style="bold")


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    for at, column in enumerate(columns):
        table.add_column(column, justify="right" if at else "left", overflow="fold")
    return table


def _requests(seen: Interval) -> Table:
    table = _table("requests", "a second", "p50", "p95")
    rates = seen.rates("requests")
    shown = [_seconds(seen.quantile("request_seconds", share)) for share in (0.5, 0.95)]
    waited = [_seconds(seen.quantile("queue_seconds", share)) for share in (0.5, 0.95)]
    table.add_row("in the function", f"{sum(rates.values()):,.1f}", *shown)
    table.add_row(f"waiting ({seen.after.one('queue_length'):.0f} now)", "", *waited)
    for outcome, rate in sorted(rates.items()):
        if outcome != "ok":
            table.add_row(_named(f"  {outcome}"), f"{rate:,.1f}", "", "")
    return table


def _restores(seen: Interval) -> Table:
    table = _table("restores", "a second", "p50", "p95")
    rate = seen.rates("restore_seconds_count").get("", 0.0)
    shown = [_seconds(seen.quantile("restore_seconds", share)) for share in (0.5, 0.95)]
    table.add_row("after the response", f"{rate:,.1f}", *shown)
    pages = [seen.quantile("dirty_pages", share) for share in (0.5, 0.95)]
    table.add_row("pages written", "", *("" if count is None else f"{count:,.0f}" for count in pages))
    for phase, spent in seen.phases().items():
        table.add_row(_named(f"  {phase}, mean"), "", _seconds(spent), "")
    workers = seen.after.all("workers")
    states = ", ".join(f"{count:.0f} {state}" for state, count in sorted(workers.items()) if count)
    table.add_row("workers", _named(states or "none"), "", "")
    table.add_row("memory of snapshots", f"{seen.after.one('snapshot_bytes') / 2**20:,.1f} MiB", "", "")
    return table


def _retirements(retired: dict[str, float], seen: Interval) -> Table:
    table = _table("processes replaced", "in all", "a second")
    rates = seen.rates("retirements")
    for reason, count in sorted(retired.items(), key=lambda item: -item[1]):
        table.add_row(_named(reason), f"{count:,.0f}", f"{rates.get(reason, 0):,.1f}")
    return table


def _named(text: str) -> Text:
    """What a server has a name for, which may be none of ours: neither markup nor what a terminal obeys."""
    indent = text[: len(text) - len(text.lstrip(" "))]
    return Text(indent + shown(text))


def _seconds(value: float | None) -> str:
    if value is None:
        return ""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if value >= size:
            return f"{value / size:,.2f} {unit}"
    return f"{value * 1e6:,.0f} µs"
