"""``groundhog bench suite``: the evaluation, 58 functions in up to eight modes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from groundhog.bench.lane import OFF
from groundhog.bench.suite import building, report, run
from groundhog.bench.suite.modes import ALL, REQUEST, WASM
from groundhog.cli import options
from groundhog.errors import GroundhogError

if TYPE_CHECKING:
    from groundhog.bench.suite.case import Case

_RESULTS = Path("groundhog-suite.jsonl")


@click.command("suite")
@click.argument("names", nargs=-1, metavar="[SUITE | FUNCTION]...")
@click.option(
    "--mode",
    "modes",
    multiple=True,
    type=click.Choice(ALL),
    help="What to compare; repeatable.  [default: all; with --quick off and request]",
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=_RESULTS,
    show_default=True,
    metavar="F.jsonl",
    help="Results, as they come; what is there already is not measured again.",
)
@click.option(
    "--report",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write evaluation.md and its figures (PNG and SVG) there.",
)
@click.option(
    "--cache",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path.home() / ".cache" / "groundhog" / "suite",
    show_default="~/.cache/groundhog/suite",
    metavar="DIR",
    help="Where compiled functions and packages of Node are kept.",
)
@click.option(
    "--requests",
    type=click.IntRange(min=10),
    default=run.Settings().requests,
    show_default=True,
    help="The most that are measured in each mode of a function.",
)
@click.option(
    "--seconds",
    type=options.Seconds(),
    default=run.Settings().seconds,
    show_default=True,
    help="How long they may take in each mode; at least ten are measured.",
)
@click.option("--quick", is_flag=True, help="Few requests: whether it runs, not what it costs.")
def command(
    names: tuple[str, ...],
    modes: tuple[str, ...],
    output: Path,
    folder: Path | None,
    cache: Path,
    *,
    requests: int,
    seconds: float,
    quick: bool,
) -> None:
    """Measure the 58 functions of the published evaluation, side by side in all modes that apply.

    It may be interrupted: what is measured is kept, and the next run goes on behind it.
    """
    settings = run.QUICK if quick else run.Settings(requests, seconds)
    try:
        chosen = building.cases(names)
        results = run.Results(output, settings)
    except (LookupError, ValueError) as error:
        raise click.UsageError(str(error)) from None
    wanted = modes or ((OFF, REQUEST) if quick else ALL)
    left = [case for case in chosen if not results.done(case, run.modes_of(case, wanted))]
    failures = _measure(left, wanted, settings, cache, results, already=len(chosen) - len(left))
    if folder is not None:
        for path in report.write(output, folder):
            click.echo(f"wrote {path}")
    if failures:
        raise click.ClickException(f"{len(failures)} functions could not be measured: {', '.join(failures)}")


def _measure(
    left: list[Case],
    modes: tuple[str, ...],
    settings: run.Settings,
    cache: Path,
    results: run.Results,
    *,
    already: int,
) -> list[str]:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    failures = []
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=already + len(left), completed=already)
        for case in left:

            def tell(what: str) -> None:
                progress.update(task, description=what)

            try:
                tell(f"{case.id}: is built")
                ready = building.prepare(case, cache, with_module=WASM in modes)
                results.add(run.measure(ready, run.modes_of(case, modes), settings, tell))
            except (GroundhogError, run.WrongAnswerError, OSError) as error:
                failures.append(case.id)
                console.print(f"{case.id}: {error}", markup=False, highlight=False)
            progress.advance(task)
    return failures
