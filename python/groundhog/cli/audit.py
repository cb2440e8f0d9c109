"""``groundhog audit``: what requests leave behind, of a function, or of every victim of the leak suite."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource
from rich.console import Console
from rich.progress import Progress

from groundhog import capabilities
from groundhog.cli import audit_tables, logs, options, running
from groundhog.config import Limits
from groundhog.errors import ConfigError

if TYPE_CHECKING:
    from groundhog.audit.selftest import Finding
    from groundhog.config import Protocol

_LANGUAGES = ("c", "java", "node", "python")


class _AuditCommand(options.TargetCommand):
    target = "TARGET --payloads F.jsonl | --self-test"


@click.command("audit", cls=_AuditCommand)
@options.target
@options.protocol
@click.option(
    "--payloads",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="F.jsonl",
    help="The arguments of each request, one a line.",
)
@click.option("--self-test", is_flag=True, help="Run the leak suite on this machine instead.")
@click.option(
    "--requests",
    type=click.IntRange(min=2),
    default=20,
    show_default=True,
    help="Requests to each victim; at most 4 to one whose process is replaced each time.",
)
@click.option("--only", metavar="PATTERN", help="Victims whose name or state matches it.")
@click.option("--as-nobody", is_flag=True, help="As root: each victim without any privileges, too.")
@click.option(
    "--require",
    "required",
    multiple=True,
    type=click.Choice(_LANGUAGES),
    help="Fail if there is nothing to run its victims with; repeatable.",
)
@click.option(
    "--strategy",
    type=click.Choice(options.STRATEGIES),
    help="How dirty pages are tracked.  [default: the best]",
)
@options.jail
@options.timeout
@click.option("--json", "as_json", is_flag=True, help="All of it as one JSON object.")
@click.option(
    "--html",
    "html_file",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    metavar="F.html",
    help="Write the whole report to a file, too.",
)
@click.pass_context
def command(
    ctx: click.Context,
    *,
    target: options.Target,
    protocol: Protocol,
    payloads: Path | None,
    self_test: bool,
    requests: int,
    only: str | None,
    as_nobody: bool,
    required: tuple[str, ...],
    strategy: str | None,
    jail: str,
    network: str,
    timeout: float,
    as_json: bool,
    html_file: Path | None,
) -> None:
    """Show what requests leave behind, and prove that nothing of it is left after a restore.

    With TARGET (or -- COMMAND): the function gets each payload without isolation, then with it, forwards and
    backwards, and ten of them some ten times more, to see whether identifiers in the answers repeat. These
    requests are real ones, so let them reach nothing that matters. At last requests that are not given to the
    function draw from all random number generators in its process, to see which repeat.

    With --self-test: small programs leave each kind of state behind, on this machine; without isolation each
    of them leaks.

    The exit code is 1 if something leaks, was left after a restore, or could not be verified, or if an
    identifier repeats, or a generator of random numbers that Groundhog reseeds. Those of the function are
    only warned of. Nor is a function clean that failed with every payload.
    """
    logs.configure(logging.ERROR)
    if self_test:
        if target.is_given or payloads is not None:
            raise click.UsageError("--self-test has targets and payloads of its own")
        for name in ("jail", "network"):
            if ctx.get_parameter_source(name) is not ParameterSource.DEFAULT:
                raise click.UsageError(f"--self-test takes no --{name}: each victim has its own")
        if as_nobody and os.geteuid() != 0:
            raise click.UsageError("--as-nobody: only root can become another user")
        clean = _self_test(
            requests, only, required, strategy, html_file, as_json=as_json, as_nobody=as_nobody
        )
    else:
        if not target.is_given:
            raise click.UsageError("nothing to audit: name a TARGET, or give --self-test")
        function = target.function(protocol)
        if payloads is None:
            raise click.UsageError("no requests to audit it with: give --payloads F.jsonl")
        values = options.lines(payloads)
        if not values:
            raise click.UsageError(f"{payloads} has no requests")
        clean = _function(function, values, strategy, jail, network, timeout, html_file, as_json=as_json)
    ctx.exit(0 if clean else 1)


def _progress() -> Progress:
    watched = Console(stderr=True)
    return Progress(console=watched, transient=True, disable=not watched.is_terminal)


def _write(path: Path | None, text: str) -> None:
    if path is None:
        return
    try:
        path.write_text(text, encoding="utf-8", errors="backslashreplace")  # halves of surrogate pairs
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from None


def _self_test(
    requests: int,
    only: str | None,
    required: tuple[str, ...],
    strategy: str | None,
    html_file: Path | None,
    *,
    as_json: bool,
    as_nobody: bool,
) -> bool:
    from groundhog.audit import pages, selftest
    from groundhog.audit.workshop import Workshop

    victims = selftest.chosen(only)
    if not victims:
        raise click.UsageError(f"no victim matches {only!r}")
    findings: list[Finding] = []
    workshop = Workshop(for_everyone=as_nobody)
    try:
        with _progress() as progress:
            task = progress.add_task("victims", total=len(victims) * (2 if as_nobody else 1))
            for found in selftest.run(victims, workshop, requests, strategy=strategy, as_nobody=as_nobody):
                findings.append(found)
                progress.update(task, advance=1, description=f"{found.language} {found.victim}")
    finally:
        workshop.close()
    here = capabilities()
    machine = {"kernel": here["kernel"], "strategy": strategy or here["preferred"]}
    summary = selftest.summarise(findings)
    sentences = summary.sentences()
    if as_json:
        report = {"machine": machine, "findings": list(map(asdict, findings)), "summary": asdict(summary)}
        click.echo(json.dumps(report))
    else:
        audit_tables.show_findings(findings, sentences)
    _write(html_file, pages.of_self_test(findings, sentences, machine))
    return summary.exit_code(findings, required) == 0


def _function(
    function: Any,
    payloads: list[Any],
    strategy: str | None,
    jail: str,
    network: str,
    timeout: float,
    html_file: Path | None,
    *,
    as_json: bool,
) -> bool:
    from groundhog.audit import pages, summaries
    from groundhog.audit.function import audit, requests_of

    with _progress() as progress:
        task = progress.add_task(function.name, total=requests_of(payloads))
        limits = Limits(timeout_s=timeout)
        advance = partial(progress.advance, task)
        made = running.run(audit(function, payloads, limits, strategy, jail, network, advance))
    if as_json:
        click.echo(json.dumps(summaries.as_dict(made)))
    else:
        audit_tables.show_audit(made)
    _write(html_file, pages.of_function(made))
    return made.clean
