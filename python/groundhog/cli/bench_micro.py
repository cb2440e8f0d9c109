"""``groundhog bench micro``: how a restore grows with pages, memory, threads, mappings and descriptors."""

from __future__ import annotations

import json
from dataclasses import asdict

import click
from rich.console import Console

from groundhog.bench import micro, paired

_QUICK = 10


@click.command("micro")
@click.option(
    "--requests",
    type=click.IntRange(min=2),
    default=100,
    show_default=True,
    help="Measured requests of each process.",
)
@click.option("--quick", is_flag=True, help="Few processes and requests: whether it runs, not what it costs.")
@click.option(
    "--json", "as_json", is_flag=True, help="One line of JSON for the machine, and one per process."
)
def command(*, requests: int, quick: bool, as_json: bool) -> None:
    """Measure restores of processes of many shapes, one quantity at a time."""
    machine, syscall = paired.machine(), micro.syscall_seconds()
    console = Console(stderr=True)

    def leave_out(what: str) -> None:
        console.print(f"left out, for want of memory: {what}", markup=False, highlight=False)

    with console.status("") as status:
        count = _QUICK if quick else requests
        points = list(micro.points(count, status.update, leave_out, quick=quick))
    if as_json:
        click.echo(json.dumps({"machine": machine, "syscall_seconds": syscall}))
        for point in points:
            click.echo(json.dumps(asdict(point)))
    else:
        click.echo(micro.render(points, machine["memcpy_seconds_per_page"], syscall), nl=False)
