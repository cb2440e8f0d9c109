"""``groundhog invoke``: call a function here, and see what each restore did."""

from __future__ import annotations

import json
import logging
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import click
from rich import box
from rich.console import Console
from rich.table import Table

from groundhog._text import shown
from groundhog.cli import logs, options, running
from groundhog.config import Isolation, Limits
from groundhog.errors import GroundhogError, InitError, InvocationError, ProtocolError
from groundhog.observer import Endings
from groundhog.pool import Pool

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from groundhog.config import Function, Protocol, Reply
    from groundhog.worker.engine import RestoreReport


@dataclass(frozen=True, slots=True)
class Call:
    """One request, and what came after it."""

    number: int
    outcome: Reply | GroundhogError
    restore: dict[str, Any] | None
    """What the restore found and did; ``None`` without isolation, or when the process was retired."""
    retired: str | None
    """Why the process was given up, instead or afterwards."""
    connections: str
    """What became by then of processes whose connections requests used, and why; empty if none was used."""

    @property
    def error(self) -> str | None:
        """Why there is no answer."""
        return str(self.outcome) if isinstance(self.outcome, GroundhogError) else None

    @property
    def failed(self) -> bool:
        """Whether there is no answer, or it reports an exception of the handler."""
        return isinstance(self.outcome, GroundhogError) or self.outcome.failed

    @property
    def printed(self) -> tuple[str, str]:
        """What the function wrote to stdout and stderr."""
        if isinstance(self.outcome, InitError):
            return "", self.outcome.log
        if isinstance(self.outcome, GroundhogError) and not isinstance(self.outcome, InvocationError):
            return "", ""
        return self.outcome.stdout, self.outcome.stderr

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as JSON values."""
        stdout, stderr = self.printed
        reply = None if isinstance(self.outcome, GroundhogError) else self.outcome
        return {
            "n": self.number,
            "value": reply.value if reply else None,
            "error": self.error,
            "stdout": stdout,
            "stderr": stderr,
            "timings": asdict(reply.timings) if reply else None,
            "restore": self.restore,
            "retired": self.retired,
            "connections": self.connections or None,
        }


async def calls(
    function: Function, payload: Any, count: int, limits: Limits, **pool_options: Any
) -> AsyncIterator[Call]:
    """Call a function ``count`` times, each time after the restore of the time before."""
    after = Endings()
    async with Pool(function, 1, limits=limits, observer=after, **pool_options) as pool:
        for number in range(1, count + 1):
            after.known()  # the restores of the start-up, also that of a replacement
            outcome: Reply | GroundhogError
            try:
                outcome = await pool.invoke(payload)
            except GroundhogError as error:
                outcome = error
            event: RestoreReport | str | None = None
            if isinstance(outcome, GroundhogError) and not isinstance(outcome, ProtocolError):
                # The process was retired before this was raised, or it never got the request.
                event = after.retirement()
            elif pool_options.get("isolation") == Isolation.REQUEST.value:
                event = await after.events.get()
            retired = event if isinstance(event, str) else after.retirement()
            restore = event.as_dict() if event is not None and not isinstance(event, str) else None
            yield Call(number, outcome, restore, retired, pool.stats().connections)


@click.command("invoke", cls=options.TargetCommand)
@options.target
@options.protocol
@click.option(
    "--payload", type=options.Json(), default="{}", show_default=True, metavar="JSON", help="The arguments."
)
@click.option(
    "-n", "count", type=click.IntRange(min=1), default=1, show_default=True, help="How often to call it."
)
@options.workers
@click.option("--json", "as_json", is_flag=True, help="One line of JSON per call.")
@click.pass_context
def command(
    ctx: click.Context,
    /,
    *,
    target: options.Target,
    protocol: Protocol,
    payload: Any,
    count: int,
    timeout: float,
    scratch_bytes: int,
    as_json: bool,
    **pool_options: Any,
) -> None:
    """Call a function here, and show its answers and what each restore did.

    The exit code is 1 if a call failed.
    """
    function = target.function(protocol)
    logs.configure(logging.WARNING)
    show = _show_json if as_json else _show_table
    limits = Limits(timeout_s=timeout, scratch_bytes=scratch_bytes)
    made = calls(function, payload, count, limits, **pool_options)
    ctx.exit(0 if running.run(show(made)) else 1)


def _json(value: Any) -> str:
    """Encode it, readable where the output has its characters, and never with others in their place."""
    text = json.dumps(value, ensure_ascii=False)
    try:
        text.encode(getattr(sys.stdout, "encoding", "utf-8"))  # there is none if it was closed
    except UnicodeEncodeError:
        return json.dumps(value)
    return text


async def _show_json(made: AsyncIterator[Call]) -> bool:
    well = True
    async for call in made:
        click.echo(_json(call.as_dict()))
        well = well and not call.failed
    return well


_COLUMNS = {
    "dirty": "pages_dirty",
    "copied": "pages_copied",
    "zeroed": "pages_zeroed",
    "layout": "layout_changes",
    "threads": "threads_ended",
}


async def _show_table(made: AsyncIterator[Call]) -> bool:
    table = Table(highlight=False, box=box.SIMPLE_HEAD)
    for title in ("call", "run ms", "restore µs", *_COLUMNS):
        table.add_column(title, justify="right")
    well = True
    connections = ""
    try:
        async for call in made:
            _show_call(call)
            connections = call.connections
            table.add_row(str(call.number), *_cells(call))
            well = well and not call.failed
    finally:
        if table.row_count:  # also of calls that were interrupted
            Console().print(table)
        if connections:
            click.echo(f"groundhog: {connections}", err=True)
    return well


def _show_call(call: Call) -> None:
    if not isinstance(call.outcome, GroundhogError):
        click.echo(_json(call.outcome.value))
    for stream in call.printed:
        if stream:
            click.echo(stream, nl=not stream.endswith("\n"), err=True)
    if call.error is not None:
        click.echo(f"groundhog: call {call.number} failed: {shown(str(call.error))}", err=True)
    elif call.retired:
        click.echo(f"groundhog: retired after call {call.number}: {shown(call.retired)}", err=True)


def _cells(call: Call) -> list[str]:
    run = "failed" if isinstance(call.outcome, GroundhogError) else f"{call.outcome.timings.run_s * 1e3:.2f}"
    if call.restore is None:
        return [run, "retired" if call.retired else "none", *("" for _ in _COLUMNS)]
    restore = call.restore
    return [run, f"{restore['duration'] * 1e6:.0f}", *(str(restore[name]) for name in _COLUMNS.values())]
