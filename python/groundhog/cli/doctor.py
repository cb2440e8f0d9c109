"""``groundhog doctor``: what this machine allows, which strategy is used and why, how to mend the rest."""

from __future__ import annotations

import json
import logging
import shutil
import sys
from typing import TYPE_CHECKING, Any

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from groundhog import capabilities
from groundhog.cli import logs, running
from groundhog.config import Function, Jail, Limits
from groundhog.errors import GroundhogError
from groundhog.pool import Pool

if TYPE_CHECKING:
    from collections.abc import Mapping

_STRATEGIES = {
    "hot": "copies back pages that most requests write, tracks the others",
    "classic": "tracks every page again after every request",
    "soft-dirty": "tracks pages the way of kernels before 6.7, in a jail",
    "copy": "tracks nothing: compares everything, slow but always right",
}


_BEHIND_JAILS = ("namespaces", "landlock")
"""The findings that decide which jails work."""
_BEHIND_NETWORKS = "network-namespace"
"""The one that decides whether a function can have a network of its own."""
_SCOPING = "scoping"
"""The one that decides whether signals and abstract sockets end at the jail."""
_UNIX_DIAG = "unix-diag"
"""The one that tells where Unix sockets of the warm-up lead."""
_SERVER_GUARD = "server-guard"
"""The one that decides whether a server of HTTP can be kept to its supervisor."""
_HUGE_PAGES = "huge-pages"
"""The one by which restores of functions with large memory are quick."""
_PURPOSES = {
    _BEHIND_NETWORKS: "For --network none",
    _SCOPING: "For signals and abstract sockets to end at the jail",
    _UNIX_DIAG: "For pairs of Unix sockets to be known for pairs without a doubt",
    _SERVER_GUARD: "For servers of HTTP on the machine's network",
    _HUGE_PAGES: "For quick restores of functions with large memory",
}
_JAILS = {
    "namespace": "private folders over those of the machine, which are reverted; all else is read-only",
    "landlock": "writes only to a folder of its own, TMPDIR, which is reverted",
}


_ECHO = "import os, sys\nfor line in sys.stdin: os.write(3, b'{}\\n')"
"""The smallest program that speaks ActionLoop."""
_TRIED_S = 20.0
"""How long that may take for each step."""


def trial(found: Mapping[str, Any]) -> str | None:
    """Start a small program, and revert it; return why it cannot be done, None if it can.

    What was found is each thing by itself. Limits of processes, descriptors or signals, of which there are
    too few for all of them together, only show where one is started.
    """
    function = Function.from_command([sys.executable, "-I", "-S", "-c", _ECHO], warmup=[{}], name="a program")
    limits = Limits(timeout_s=_TRIED_S, start_timeout_s=_TRIED_S)

    async def serve() -> None:
        async with Pool(function, limits=limits, jail=found["preferred_jail"] or Jail.NONE) as pool:
            await pool.invoke({})

    try:
        running.run(serve())
    except (GroundhogError, OSError, RuntimeError) as error:  # the last: no thread can be started
        return str(error) or type(error).__name__
    return None


def is_usable(found: Mapping[str, Any]) -> bool:
    """Whether functions can be isolated here at all, as far as each thing by itself tells."""
    essentials = all(finding["works"] for finding in found["findings"] if finding["essential"])
    return essentials and any(refusal is None for refusal in found["strategies"].values())


def report(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the engine found out, with what the runners need beside it."""
    runtimes = {"python": sys.executable, "nodejs": shutil.which("node")}
    usable = is_usable(found)
    failure = trial(found) if usable else None
    strategy = found["preferred"] if usable and failure is None else None
    return {
        **found,
        "usable": strategy is not None,
        "failure": failure,
        "strategy": strategy,
        "isolation": None if strategy is None else isolation(found, strategy),
        "runtimes": runtimes,
    }


_CONFINED = {
    "namespace": (
        "files reverted, in private overlays, the rest of the file system read-only",
        "user, mount and IPC namespaces of its own, no capabilities, a seccomp filter",
    ),
    "landlock": (
        "files reverted, in one private folder, writes elsewhere refused by Landlock",
        "no capabilities, a seccomp filter, but the machine's own namespaces",
    ),
}


def isolation(found: Mapping[str, Any], strategy: str) -> str:
    """Say for those who judge it what keeps functions from others, and what does not."""
    parts = [f"memory and kernel state of the process reverted after each request (strategy {strategy})"]
    jail = found["preferred_jail"]
    if jail is None:
        parts.append("NOT CONFINED: no jail works, it reaches and leaves what its user may")
    else:
        scoped = any(finding["name"] == _SCOPING and finding["works"] for finding in found["findings"])
        own_network = jail == "namespace" and found["networks"]["none"] is None
        parts += [
            *_CONFINED[jail],
            "signals and abstract sockets end at the jail"
            if scoped
            else "NOT CONFINED: signals and abstract sockets of its user's other processes",
            "the machine's network" + (", or none (--network none)" if own_network else ""),
        ]
    return f"Isolation here: {'; '.join(parts)}."


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="All of it as one JSON object.")
@click.pass_context
def command(ctx: click.Context, *, as_json: bool) -> None:
    """Show what this machine allows, which strategy will be used and why, and how to fix what is missing.

    The exit code is 1 if functions cannot be isolated here.
    """
    logs.configure(logging.CRITICAL)  # what fails is in the report
    made = report(capabilities())
    if as_json:
        click.echo(json.dumps(made))
    else:
        _show(made)
    ctx.exit(0 if made["usable"] else 1)


def _yes(works: bool) -> Text:  # noqa: FBT001  (the value is all there is to say)
    return Text("yes", "green") if works else Text("no", "bold red")


def _table(*titles: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, highlight=False)
    for title in titles:
        table.add_column(title, overflow="fold")
    return table


def _show(made: Mapping[str, Any]) -> None:
    console = Console(highlight=False)
    console.print(Text(f"Linux {made['kernel']}"))
    features = _table("feature", "works", "seen")
    for finding in made["findings"]:
        features.add_row(Text(finding["name"]), _yes(finding["works"]), Text(finding["detail"]))
    console.print(features)
    strategies = _table("strategy", "works", "what it does")
    for name, refusal in made["strategies"].items():
        label = Text(name, "bold" if name == made["strategy"] else "")
        strategies.add_row(label, _yes(refusal is None), Text(_STRATEGIES.get(name, "")))
    console.print(strategies)
    jails = _table("jail", "works", "what it does")
    for name, refusal in made["jails"].items():
        label = Text(name, "bold" if name == made["preferred_jail"] else "")
        jails.add_row(label, _yes(refusal is None), Text(_JAILS.get(name, "")))
    console.print(jails)
    for name, path in made["runtimes"].items():
        console.print(
            Text(f"{name} functions run with {path}" if path else f"{name} functions cannot run: install it")
        )
    for line in _advice(made):
        console.print(Text(line), soft_wrap=True)


_CONNECTIONS = (
    "Connections that a function opens while it loads cannot be reverted: with --connections auto its warm-up"
    " shows whether it takes their loss, or its processes are replaced; invoke and audit say which, and why."
)


def _purpose(finding: Mapping[str, Any]) -> str:
    if finding["essential"]:
        return "To use Groundhog at all"
    return _PURPOSES.get(finding["name"], f"For {finding['name']}")


def _advice(made: Mapping[str, Any]) -> list[str]:
    missing = [finding for finding in made["findings"] if not finding["works"]]
    lines = [
        f"{_purpose(finding)}: {finding['remedy']}."
        for finding in missing
        # Without soft-dirty bits a machine that has the better way lacks nothing.
        if _is_missed(finding, made)
    ]
    if made["failure"] is not None:
        lines = [
            f"A small program could not be started and reverted: {made['failure']}.",
            "Each thing works by itself: look at the limits of this user and shell (ulimit -a).",
        ]
    if made["strategy"] is None:
        return ["Functions cannot be isolated on this machine.", *lines]
    used = (
        f"Functions will be isolated with the strategy {made['strategy']}, the first above that works here."
    )
    jail = made["preferred_jail"]
    if jail is None:
        return [
            made["isolation"],
            used,
            "No jail works here: files that requests write would stay; serve with --jail none.",
            _CONNECTIONS,
            *lines,
        ]
    files = f"Their files will be kept apart by the jail {jail}."
    return [made["isolation"], used, files, _CONNECTIONS, *lines]


def _is_missed(finding: Mapping[str, Any], made: Mapping[str, Any]) -> bool:
    """Whether something better would be used if it worked."""
    if finding["essential"]:
        return True
    if finding["name"] in _BEHIND_JAILS:
        return bool(made["preferred_jail"] != "namespace")
    if finding["name"] in {_UNIX_DIAG, _SERVER_GUARD}:
        return True
    if finding["name"] == _SCOPING:
        return made["preferred_jail"] is not None
    if finding["name"] == _BEHIND_NETWORKS:
        return bool(made["preferred_jail"] == "namespace")  # else that is to be mended first
    return made["strategy"] in {None, "copy", "soft-dirty"}
