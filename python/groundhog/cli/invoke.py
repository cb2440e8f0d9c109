"""``groundhog invoke``: call a function here, and see what each restore did."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import click
from rich import box
from rich.console import Console
from rich.table import Table

from groundhog.cli import logs, options
from groundhog.config import Isolation, Limits
from groundhog.observer import NullObserver
from groundhog.pool import Pool

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from groundhog.config import Function, Reply
    from groundhog.worker.engine import Report


@dataclass(frozen=True, slots=True)
class Call:
    """One request, and what came after it."""

    number: int
    reply: Reply
    restore: dict[str, Any] | None
    """What the restore found and did; ``None`` without isolation, or when the process was retired."""
    retired: str | None
    """Why the process was given up instead."""

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as JSON values."""
        return {
            "n": self.number,
            "value": self.reply.value,
            "stdout": self.reply.stdout,
            "stderr": self.reply.stderr,
            "timings": asdict(self.reply.timings),
            "restore": self.restore,
            "retired": self.retired,
        }


class _After(NullObserver):
    """What happens to the worker after a request."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[Report | str] = asyncio.Queue()

    def on_restore(self, report: Report) -> None:
        self.events.put_nowait(report)

    def on_retire(self, reason: str, message: str) -> None:
        self.events.put_nowait(f"{reason}: {message}")


async def calls(
    function: Function, payload: Any, count: int, limits: Limits, **pool_options: Any
) -> AsyncIterator[Call]:
    """Call a function ``count`` times, each time after the restore of the time before."""
    after = _After()
    async with Pool(function, 1, limits=limits, observer=after, **pool_options) as pool:
        while not after.events.empty():  # the restores of the start-up
            after.events.get_nowait()
        for number in range(1, count + 1):
            reply = await pool.invoke(payload)
            event: Report | str | None = None
            if pool_options.get("isolation") == Isolation.REQUEST.value:
                event = await after.events.get()
            retired = event if isinstance(event, str) else None
            restore = event.as_dict() if event is not None and not isinstance(event, str) else None
            yield Call(number, reply, restore, retired)


@click.command("invoke", cls=options.TargetCommand)
@options.target
@click.option(
    "--payload", type=options.Json(), default="{}", show_default=True, metavar="JSON", help="The arguments."
)
@click.option(
    "-n", "count", type=click.IntRange(min=1), default=1, show_default=True, help="How often to call it."
)
@options.workers
@click.option("--json", "as_json", is_flag=True, help="One line of JSON per call.")
def command(
    handler: str | None,
    program: tuple[str, ...] | None,
    warmup: tuple[Any, ...],
    warmup_file: Path | None,
    *,
    payload: Any,
    count: int,
    isolation: str,
    strategy: str | None,
    verify: bool,
    timeout: float,
    as_json: bool,
) -> None:
    """Call a function here, and show its answers and what each restore did."""
    function = options.function(handler, program, warmup, warmup_file)
    logs.configure(logging.WARNING)
    show = _show_json if as_json else _show_table
    pool_options = {"isolation": isolation, "strategy": strategy, "verify": verify}
    asyncio.run(show(calls(function, payload, count, Limits(timeout_s=timeout), **pool_options)))


async def _show_json(made: AsyncIterator[Call]) -> None:
    async for call in made:
        click.echo(json.dumps(call.as_dict(), ensure_ascii=False))


_COLUMNS = {
    "dirty": "pages_dirty",
    "copied": "pages_copied",
    "zeroed": "pages_zeroed",
    "layout": "layout_changes",
    "threads": "threads_ended",
}


async def _show_table(made: AsyncIterator[Call]) -> None:
    table = Table(highlight=False, box=box.SIMPLE_HEAD)
    for title in ("call", "run ms", "restore µs", *_COLUMNS):
        table.add_column(title, justify="right")
    async for call in made:
        click.echo(json.dumps(call.reply.value, ensure_ascii=False))
        for stream in (call.reply.stdout, call.reply.stderr):
            if stream:
                click.echo(stream, nl=not stream.endswith("\n"), err=True)
        if call.retired:
            click.echo(f"groundhog: retired after call {call.number}: {call.retired}", err=True)
        table.add_row(str(call.number), *_cells(call))
    Console().print(table)


def _cells(call: Call) -> list[str]:
    run = f"{call.reply.timings.run_s * 1e3:.2f}"
    if call.restore is None:
        return [run, "retired" if call.retired else "none", *("" for _ in _COLUMNS)]
    restore = call.restore
    return [run, f"{restore['duration'] * 1e6:.0f}", *(str(restore[name]) for name in _COLUMNS.values())]
