"""``groundhog bench``: what isolation costs here, beside none at all and beside the published way."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich import box
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from groundhog.bench import advice, functions, paired
from groundhog.bench.lane import OFF
from groundhog.cli import bench_micro, bench_suite, options
from groundhog.config import Function, Limits

if TYPE_CHECKING:
    from collections.abc import Iterable

    from groundhog.bench.paired import Row

_OWN = {"hello": {"name": "Ada"}, "json_documents": {"add": 1}}
_QUICK = 100
_WIDTH = 112


class _Command(options.TargetCommand):
    target = "[TARGET]"


class _Bench(click.Group):
    """Takes what is no command of it for the arguments of ``function``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the command in that was left out."""
        if not args or args[0] not in {*self.commands, *self.get_help_option_names(ctx)}:
            args = ["function", *args]
        return super().parse_args(ctx, args)

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Show the help of that command, and name the others."""
        with click.Context(_function, info_name=ctx.info_name, parent=ctx.parent) as own:
            _function.format_help(own, formatter)
        self.format_commands(ctx, formatter)


@click.group("bench", cls=_Bench)
def command() -> None:
    """Measure requests and restores, all modes in turn."""


@command.command("function", cls=_Command, hidden=True)
@options.target
@click.option(
    "--payload",
    type=options.Json(),
    default="{}",
    show_default=True,
    metavar="JSON",
    help="The arguments for a function of your own.",
)
@click.option(
    "--requests",
    type=click.IntRange(min=2),
    default=1000,
    show_default=True,
    help="Measured requests in each mode.",
)
@click.option(
    "--warm",
    type=click.IntRange(min=0),
    default=30,
    show_default=True,
    help="Requests before the snapshot, beside --warmup.",
)
@click.option(
    "--mode",
    "modes",
    multiple=True,
    type=click.Choice(["off", *options.STRATEGIES]),
    help="What to compare; repeatable.  [default: off, the best strategy here, classic]",
)
@options.timeout
@click.option("--quick", is_flag=True, help=f"{_QUICK} requests: whether it runs, not what it costs.")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON for the machine, and one per row.")
def _function(
    *,
    target: options.Target,
    payload: Any,
    requests: int,
    warm: int,
    modes: tuple[str, ...],
    timeout: float,
    quick: bool,
    as_json: bool,
) -> None:
    """Measure requests and restores, all modes in turn. Without TARGET: functions of our own."""
    if not target.is_given:
        folder = Path(functions.__file__).parent
        chosen = [(Function.from_file(folder / f"{name}.py"), arguments) for name, arguments in _OWN.items()]
    else:
        chosen = [(target.function(), payload)]
    names = list(modes) or paired.default_modes()
    count = _QUICK if quick else requests
    machine = paired.machine()
    rows: list[Row] = []
    watched = Console(stderr=True)
    with Progress(console=watched, transient=True, disable=not watched.is_terminal) as progress:
        for function, arguments in chosen:
            task = progress.add_task(function.name, total=count * len(names))
            rows += paired.measure(
                function,
                arguments,
                names,
                requests=count,
                warmup=warm,
                limits=Limits(timeout_s=timeout),
                progress=partial(progress.advance, task),
            )
    if as_json:
        click.echo(json.dumps({"machine": machine}))
        for row in rows:
            click.echo(json.dumps(asdict(row)))
        return
    console = Console()
    console.width = max(console.width, _WIDTH)  # a table that is cut tells nothing
    _show(console, machine, rows)
    is_own = target.is_given
    strategy = next((name for name in names if name != OFF), None)
    if is_own and strategy is not None and not quick:
        for sentence in advice.advise(*chosen[0], strategy, Limits(timeout_s=timeout)):
            console.print(f"- {sentence}", highlight=False, markup=False)


def _microseconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds * 1e6:.1f}"


def _show(console: Console, machine: dict[str, Any], rows: list[Row]) -> None:
    # Two lines a title: the table has to fit an ordinary terminal.
    table = Table(box=box.SIMPLE_HEAD, highlight=False, padding=(0, 0, 0, 1))
    table.add_column("function\nmode", no_wrap=True)
    for title in (
        "request\np50 µs",
        "over off\nµs",
        "restore\np50 µs",
        "\np95 µs",
        "dirty\npages",
        "µs\na page",
        "tracking\nfaults",
        "page\nfaults",
    ):
        table.add_column(title, justify="right", no_wrap=True)
    baseline = {row.function: row.request for row in rows if row.mode == "off"}
    for row in rows:
        table.add_row(f"{row.function} {row.mode}", *_cells(row, baseline.get(row.function)))
    console.print(table)
    for row in rows:
        if row.phases:
            phases = ", ".join(f"{name} {seconds * 1e6:.0f}" for name, seconds in row.phases.items())
            console.print(f"{row.function} {row.mode}, phases in µs: {phases}", highlight=False)
    memcpy = machine["memcpy_seconds_per_page"]
    console.print(
        f"memcpy of a page of uncached memory here: {memcpy * 1e6:.2f} µs; Linux {machine['kernel']},"
        f" {machine['processor']}, Python {machine['python']}",
        highlight=False,
    )


def _cells(row: Row, off: float | None) -> Iterable[str]:
    yield _microseconds(row.request)
    yield f"{(row.request - off) * 1e6:+.1f}" if off is not None and row.mode != "off" else ""
    yield _microseconds(row.restore)
    yield _microseconds(row.restore_p95)
    yield "" if row.dirty_pages is None else f"{row.dirty_pages:.0f}"
    known = row.restore is not None and row.dirty_pages
    yield _microseconds(row.restore / row.dirty_pages) if known and row.restore and row.dirty_pages else ""
    yield "" if row.tracking_faults is None else f"{row.tracking_faults:.2f}"
    yield f"{row.page_faults:.1f}"


command.add_command(bench_suite.command)
command.add_command(bench_micro.command)
