"""The command ``groundhog``: one file per command.

An error is one line on stderr; the exit code is then 1, or 2 for misuse.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import threading
from importlib import import_module
from io import TextIOWrapper
from typing import TYPE_CHECKING

import click

from groundhog._text import shown
from groundhog.errors import GroundhogError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

WITHOUT = "GROUNDHOG_WITHOUT"
_STDERR = 2
COMMANDS = {
    "serve": "Serve a function over HTTP, each request in a clean process.",
    "lambda": "Serve a client of AWS Lambda's Runtime API, called as on AWS.",
    "openwhisk": "Be an OpenWhisk action container.",
    "ray": "Deploy a function to a cluster of Ray Serve.",
    "invoke": "Call a function here; show its answers and what each restore did.",
    "audit": "Show what requests leave behind, and that a restore leaves nothing of it.",
    "bench": "Measure what isolation costs here.",
    "top": "Show what a running server does, as it does it.",
    "doctor": "Show what this machine allows, and how to fix what is missing.",
}


_MODULES = {"lambda": "groundhog.cli.aws_lambda", "ray": "groundhog.cli.ray_deploy"}
"""Of those commands whose names are none for modules."""


class _Commands(click.Group):
    """Loads the module of a command only when that command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        _import_structlog_alone()
        command: click.Command = import_module(_MODULES.get(cmd_name, f"groundhog.cli.{cmd_name}")).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _import_structlog_alone() -> None:
    """Import it without rich, which it takes for tracebacks on terminals: a third of a server's start."""
    if "rich" in sys.modules:
        return
    sys.modules["rich"] = None  # type: ignore[assignment]  # as if there were none
    try:
        import_module("structlog")
    finally:
        del sys.modules["rich"]


@click.group(
    cls=_Commands, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(package_name="groundhog-faas", prog_name="groundhog")
@click.pass_context
def group(ctx: click.Context) -> None:
    """Give every request to a warm serverless function a clean process."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help(), err=True)
        ctx.exit(2)
    _warn_of_unknown_features(os.environ.get(WITHOUT, ""))


def _warn_of_unknown_features(without: str) -> None:
    """Whoever switches off what there is not measures or tests something else than they think."""
    wanted = {name for word in without.split(",") if (name := word.strip())}
    if wanted:
        from groundhog import capabilities  # help and misuse do without the engine

        known = [finding["name"] for finding in capabilities()["findings"]]
        if unknown := sorted(wanted.difference(known)):
            names = f"{', '.join(unknown)}, but there are only {', '.join(known)}"
            click.echo(f"groundhog: {WITHOUT} names {names}", err=True)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: the words after ``groundhog``; those of this process if not given.

    Returns:
        The exit code: 0; 1 for an error; 2 for misuse; 128 and the number of the signal that ended it.
    """
    _occupy_standard_descriptors()
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # what a terminal cannot show is no error
    try:
        with _ending_as_if_interrupted():
            code = group.main(arguments, prog_name="groundhog", standalone_mode=False)
    except click.UsageError as error:
        where = error.ctx.command_path if error.ctx else "groundhog"
        return _fail(f"{error.format_message()} (see {where} --help)", 2)
    except click.ClickException as error:
        return _fail(error.format_message(), 1)
    except GroundhogError as error:
        return _fail(str(error), 1)
    except (KeyboardInterrupt, click.Abort) as error:
        return 128 + _number_of(error)
    except OSError as error:
        if isinstance(error.__context__, KeyboardInterrupt):  # the terminal has gone, and cannot be told
            return 128 + _number_of(error)
        left = isinstance(error, BrokenPipeError) and _reader_has_left()
        _give_up_output()
        return 1 if left else _fail(f"{error.filename or 'input or output'}: {error.strerror or error}", 1)
    return code if isinstance(code, int) else 0


class Ended(KeyboardInterrupt):
    """A signal has come that ends us."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextlib.contextmanager
def _ending_as_if_interrupted() -> Iterator[None]:
    """Have other signals, too, end a command so that it removes what it and the function have written.

    Whoever has them ignored, as nohup(1) does, means it. Servers handle them by themselves. One is enough: of
    a terminal that is closed two come, the second in the middle of what the first has begun. So do others
    that first interrupt a command. To interrupt it then, from a terminal, ends it at once.
    """

    def end(number: int, _: FrameType | None) -> None:
        for other, before in taken.items():
            signal.signal(other, signal.SIG_IGN if other != signal.SIGINT else before)
        raise Ended(number)

    taken = {}
    if threading.current_thread() is threading.main_thread():
        ours = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
        usual = (signal.SIG_DFL, signal.default_int_handler)
        taken = {number: its for number in ours if (its := signal.getsignal(number)) in usual}
    for number in taken:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number, before in taken.items():
            if signal.getsignal(number) is end:
                signal.signal(number, before)


def _number_of(error: BaseException) -> int:
    """Of the signal that has ended us."""
    causes = (error, error.__cause__, error.__context__)
    return next((cause.number for cause in causes if isinstance(cause, Ended)), signal.SIGINT)


def _occupy_standard_descriptors() -> None:
    """Let nothing else get the number of an input or output that was closed: logs would go there."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= _STDERR:  # the lowest that is free
        pass
    os.close(number)


def _reader_has_left() -> bool:
    """Whether nobody reads our own output any more."""
    if sys.stdout is None:  # it was closed from the start
        return False
    stdout = select.poll()
    stdout.register(sys.stdout, 0)  # errors are reported in any case
    return bool(stdout.poll(0))


def _give_up_output() -> None:
    """What could not be written the interpreter must not try to write once more when it ends."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        sys.stdout = None


def _fail(message: str, code: int) -> int:
    with contextlib.suppress(OSError):  # nobody reads it
        click.echo(f"groundhog: {shown(message)}", err=True)
    return code
