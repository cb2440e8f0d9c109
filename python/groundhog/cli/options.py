"""What several commands have in common: the target, warm-up requests, isolation, limits."""

from __future__ import annotations

import functools
import json
import re
import sys
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from groundhog.config import (
    MIB,
    PROTOCOLS,
    Connections,
    Function,
    Hooks,
    Isolation,
    Jail,
    Limits,
    Network,
)
from groundhog.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from groundhog.config import Protocol as Speech

    Decorated = TypeVar("Decorated", bound=Callable[..., Any])
    # Generic for the type checker alone: older versions of click cannot be subscripted.
    _ParamType = click.ParamType[Any]
    _Choice = click.Choice[str]
else:
    _ParamType = click.ParamType
    _Choice = click.Choice

STRATEGIES = ("hot", "classic", "soft-dirty", "copy")
DAY_S = 86_400.0


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is none of its values")


def _arguments(text: str) -> dict[str, Any] | list[Any]:
    """Parse a request's arguments, as strictly as a server does.

    Raises:
        ValueError: they are none; the message is the rest of a sentence.
    """
    try:
        value = json.loads(text, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"is not JSON: {error}") from None
    if not isinstance(value, (dict, list)):
        raise ValueError("is neither an object nor an array: arguments have names")  # noqa: TRY004
    return value


class Json(_ParamType):
    """A request's arguments, given as JSON."""

    name = "json"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Parse them; misuse if they are not JSON, or neither an object nor an array."""
        if not isinstance(value, str):
            return value
        try:
            return _arguments(value)
        except ValueError as error:
            self.fail(f"{value!r} {error}", param, ctx)


class Seconds(_ParamType):
    """A time that is positive and ends.

    Args:
        least: what it is at least, in seconds; None: any positive time.
        most: what it is at most.
    """

    name = "seconds"

    def __init__(self, least: float | None = None, most: float = sys.float_info.max) -> None:
        self._least = least
        self._most = most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Parse it; misuse if it is no such time."""
        try:
            seconds = float(value)
        except ValueError:
            self.fail(f"{value!r} is not a number", param, ctx)
        if self._least is None and not 0 < seconds <= self._most:
            self.fail(f"{value} is not a positive number of seconds", param, ctx)
        if self._least is not None and not self._least <= seconds <= self._most:
            self.fail(
                f"{value} is not a number of seconds from {self._least:g} to {self._most:g}", param, ctx
            )
        return seconds


class Mebibytes(_ParamType):
    """A size that is given in MiB, as bytes."""

    name = "mebibytes"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Parse it; misuse if it is no whole number, or nothing."""
        return int(click.IntRange(min=1).convert(value, param, ctx)) * MIB


class HeaderName(_ParamType):
    """The name of an HTTP header."""

    name = "name"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Check it; misuse if no request can have such a header: RFC 9110, section 5.6.2."""
        if not re.fullmatch(r"[\w!#$%&'*+.^`|~-]+", value, re.ASCII):
            self.fail(f"{value!r} cannot be the name of a header", param, ctx)
        return str(value)


class Protocol(_Choice):
    """How a command is spoken to: one of those that there are."""

    def __init__(self) -> None:
        super().__init__(PROTOCOLS)


class TargetCommand(click.Command):
    """A command whose target may be a program with arguments of its own: all that follows ``--``."""

    target = "TARGET"

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Set what follows the first ``--`` apart before click takes options from it."""
        if "--" in args:
            at = args.index("--")
            ctx.params["program"] = tuple(args[at + 1 :])
            args = args[:at]
        else:
            ctx.params["program"] = None
        return super().parse_args(ctx, args)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Name both forms of a target."""
        return [piece for piece in super().collect_usage_pieces(ctx) if "TARGET" not in piece] + [self.target]


class ProgramCommand(TargetCommand):
    """A command whose target is a program."""

    target = "-- COMMAND ARGS..."


@dataclass(frozen=True)
class Target:
    """The target that the command line names, and its warm-up requests."""

    handler: str | None
    program: tuple[str, ...] | None
    warmup: tuple[Any, ...]
    warmup_file: Path | None
    warmup_rounds: int

    @property
    def is_given(self) -> bool:
        """Whether it names one."""
        return self.handler is not None or self.program is not None

    def function(self, protocol: Speech = "actionloop") -> Function:
        """Return the function.

        Raises:
            click.UsageError: no target, or two.
            ConfigError: it cannot be used; nothing was started.
        """
        served = requests(self.warmup, self.warmup_file, self.warmup_rounds)
        if self.program is not None:
            if self.handler is not None:
                raise click.UsageError(f"two targets: {self.handler}, and the command after --")
            if not self.program:
                raise click.UsageError("there is no command after --")
            return Function.from_command(self.program, served, protocol=protocol)
        if protocol != "actionloop":
            raise click.UsageError(f"--protocol {protocol} is for commands: give one after --")
        if self.handler is None:
            raise click.UsageError(
                "no target: name handler.py[:main], handler.js[:main], or -- COMMAND ARGS..."
            )
        return Function.from_target(self.handler, warmup=served)


def target(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the target and its warm-up requests; a `TargetCommand` gets them as the parameter ``target``."""
    names = [each.name for each in fields(Target)]

    @functools.wraps(command)
    def given(*arguments: Any, **parameters: Any) -> Any:
        made = Target(**{name: parameters.pop(name) for name in names})
        return command(*arguments, target=made, **parameters)

    return warmups(click.argument("handler", metavar="TARGET", required=False)(given))


def domain_header(
    default: str | None = None, *, shown: bool | str = False
) -> Callable[[Decorated], Decorated]:
    """Return what adds the header of trust domains.

    Args:
        default: its name; None: requests have no domain.
        shown: whether the help tells the default, or what it tells of it.
    """
    return click.option(
        "--domain-header",
        type=HeaderName(),
        default=default,
        show_default=shown,
        metavar="NAME",
        help="The header that carries the caller's trust domain.",
    )


def queue(where: str) -> Callable[[Decorated], Decorated]:
    """Return what adds how many requests may wait; ``where`` completes a sentence."""
    return click.option(
        "--queue",
        type=click.IntRange(min=0),
        default=Limits().queue_length,
        show_default=True,
        help=f"Requests that may wait {where}; more are answered 429.",
    )


def max_body(default_mib: int = Limits().request_bytes // MIB) -> Callable[[Decorated], Decorated]:
    """Return what adds how large a body may be."""
    return click.option(
        "--max-body",
        type=Mebibytes(),
        default=default_mib,
        show_default=True,
        metavar="MIB",
        help="The largest body of a request, in MiB.",
    )


def protocol(command: Decorated) -> Decorated:
    """Add how the target is spoken to."""
    return click.option(
        "--protocol",
        type=Protocol(),
        default="actionloop",
        show_default=True,
        help="How a command is spoken to.",
    )(command)


def warmups(command: Decorated) -> Decorated:
    """Add warm-up requests: the parameters of `requests`."""
    for decorate in (
        click.option(
            "--warmup-file",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            metavar="F.jsonl",
            help="Warm-up requests, one a line.",
        ),
        click.option(
            "--warmup",
            type=Json(),
            multiple=True,
            metavar="JSON",
            help="A request served before the snapshot; repeatable. Never a real caller's.",
        ),
        click.option(
            "--warmup-rounds",
            type=click.IntRange(min=1),
            default=1,
            show_default=True,
            metavar="N",
            help="How often to serve all of them: compilers just in time need dozens.",
        ),
    ):
        command = decorate(command)
    return command


def timeout(command: Decorated) -> Decorated:
    """Add how long a request may take."""
    return click.option(
        "--timeout",
        type=Seconds(),
        default=Limits().timeout_s,
        show_default=True,
        metavar="S",
        help="Seconds that a request may take before its process is killed.",
    )(command)


def jail(command: Decorated) -> Decorated:
    """Add how files are kept apart, and what can be reached."""
    command = click.option(
        "--network",
        type=click.Choice([item.value for item in Network]),
        default=Network.HOST.value,
        show_default=True,
        help="What functions reach: what the machine does, or only themselves (with the jail namespace).",
    )(command)
    return click.option(
        "--jail",
        type=click.Choice([item.value for item in Jail]),
        default=Jail.AUTO.value,
        show_default=True,
        help="How files that a request writes are kept from later ones; none: not at all.",
    )(command)


def workers(command: Decorated) -> Decorated:
    """Add two limits, and what shapes a pool: each under the name of `Pool`'s parameter."""
    for decorate in (
        timeout,
        click.option(
            "--tmp-size",
            "scratch_bytes",
            type=Mebibytes(),
            default=Limits().scratch_bytes // MIB,
            show_default=True,
            metavar="MIB",
            help="What a process may have written to /tmp and its other folders, in MiB of memory (with the"
            " jail namespace).",
        ),
        click.option(
            "--keep-connections",
            is_flag=True,
            help="Leave connections open that were opened before the requests, such as those of a pool for a"
            " database. An answer that comes late on one reaches the next request, and encrypted ones break."
            "  [default: as --connections says]",
        ),
        click.option(
            "--hooks",
            type=click.Choice([item.value for item in Hooks]),
            default=Hooks.LAZY.value,
            show_default=True,
            help="When hooks for the moment after a restore run: when the next request comes, or at once,"
            " while nobody waits.",
        ),
        click.option(
            "--connections",
            type=click.Choice([item.value for item in Connections]),
            default=Connections.AUTO.value,
            show_default=True,
            help="What becomes of a connection that is older than a request which used it: shut it down,"
            " replace its process, or whichever the warm-up shows to be right.",
        ),
        click.option(
            "--verify", is_flag=True, help="Compare the whole process with its snapshot after each restore."
        ),
        click.option(
            "--strategy",
            type=click.Choice(STRATEGIES),
            help="How dirty pages are tracked.  [default: the best here]",
        ),
        click.option(
            "--uid",
            type=click.IntRange(min=0),
            metavar="N",
            help="The user that the function runs as; only root can choose.  [default: ours]",
        ),
        jail,
        click.option(
            "--isolation",
            type=click.Choice([item.value for item in Isolation]),
            default=Isolation.REQUEST.value,
            show_default=True,
            help="When a process is reverted; off is for comparison only.",
        ),
    ):
        command = decorate(command)
    return command


def requests(warmup: tuple[Any, ...], warmup_file: Path | None, rounds: int) -> list[Any]:
    """Return the warm-up requests that the command line names.

    Raises:
        ConfigError: the file cannot be read, or has something else.
    """
    return [*warmup, *(lines(warmup_file) if warmup_file else ())] * rounds


def lines(path: Path) -> list[Any]:
    """The requests in a file, one a line.

    Raises:
        ConfigError: it cannot be read, or a line is no request; it says which, and why.
    """
    found = []
    try:
        lines = path.read_text("utf-8").split("\n")  # splitlines would cut strings at U+2028 and others
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from None
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                found.append(_arguments(line))
            except ValueError as error:
                raise ConfigError(f"{path}, line {number} {error}") from None
    return found
