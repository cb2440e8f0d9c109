"""`python -m tests.gallery`: run the functions of the gallery, and write docs/compatibility.md."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import Progress

from groundhog.bench.paired import machine
from tests.gallery import page
from tests.gallery.catalog import ENTRIES
from tests.gallery.environment import HOME, ROOT, Environment, MissingError
from tests.gallery.measuring import REPLACED, REVERTED, Result, measure
from tests.gallery.results import Results

if TYPE_CHECKING:
    from tests.gallery.catalog import Entry

UNTIMED = 5
PAGE = ROOT / "docs/compatibility.md"
COLORS = {REVERTED: "green", REPLACED: "yellow"}


def is_as_expected(entry: Entry, result: Result) -> bool:
    """Whether it was reverted, or replaced as the catalog says."""
    return result.status == (REPLACED if entry.replaced else REVERTED)


def described_machine(environment: Environment) -> str:
    """What the figures were measured on."""
    here = machine()
    versions = ", ".join(f"{name} {version}" for name, version in environment.versions().items())
    return f"{here['processor']}, Linux {here['kernel']}, {versions}"


def run(entries: list[Entry], environment: Environment, results: Results, requests: int) -> None:
    """Measure each of them, one after another."""
    console = Console(stderr=True, highlight=False)
    with Progress(console=console, disable=not console.is_terminal) as progress:
        total = progress.add_task("gallery", total=len(entries))
        for entry in entries:
            task = progress.add_task(entry.name, total=requests)
            result = asyncio.run(
                measure(
                    entry,
                    environment.function(entry),
                    requests=requests,
                    untimed=UNTIMED,
                    progress=lambda task=task: progress.advance(task),  # type: ignore[misc]
                )
            )
            results.keep(entry, result)
            progress.remove_task(task)
            progress.advance(total)
            color = COLORS.get(result.status, "red")
            timed = (
                f" ({result.ratio:.2f} x {result.off * 1e3:.2f} ms)" if result.ratio and result.off else ""
            )
            progress.console.print(
                f"[{color}]{result.status:9}[/] {entry.name}{timed} {result.detail}", soft_wrap=True
            )


@click.command()
@click.option(
    "--only", multiple=True, metavar="NAME", help="Run those whose name has this in it; repeatable."
)
@click.option("--fresh", is_flag=True, help="Run all, also those that have a result of this engine.")
@click.option("--requests", type=click.IntRange(min=2), default=20, show_default=True, help="In each way.")
def main(only: tuple[str, ...], *, fresh: bool, requests: int) -> None:
    """Run the gallery. Ends with 1 if a function is wrong, fails, or is replaced without a known reason."""
    logging.getLogger("groundhog").setLevel(logging.CRITICAL)  # retirements are counted here
    chosen = [entry for entry in ENTRIES if not only or any(name in entry.name for name in only)]
    if not chosen:
        raise click.UsageError(f"no function has any of {', '.join(only)} in its name")
    environment = Environment(HOME)
    try:
        environment.install()
        results = Results(HOME / "results.json")
        again = fresh or bool(only)
        due = [entry for entry in chosen if again or not results.current(entry)]
        with contextlib.ExitStack() as stack:
            environment.start({server for entry in due for server in entry.servers}, stack)
            run(due, environment, results, requests)
    except MissingError as error:
        raise click.ClickException(str(error)) from error
    latest = {entry.name: result for entry in ENTRIES if (result := results.latest(entry)) is not None}
    if len(latest) == len(ENTRIES):
        PAGE.write_text(page.render(latest, described_machine(environment)), encoding="utf-8")
        click.echo(f"wrote {PAGE.relative_to(ROOT)}")
    unexpected = [entry for entry in chosen if not is_as_expected(entry, latest[entry.name])]
    for entry in unexpected:
        result = latest[entry.name]
        wanted = REPLACED if entry.replaced else REVERTED
        click.echo(f"{entry.name}: {result.status}, not {wanted}: {result.detail}", err=True)
    sys.exit(1 if unexpected else 0)


if __name__ == "__main__":
    main()
