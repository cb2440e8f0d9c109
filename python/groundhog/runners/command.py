"""Runs any program that speaks ActionLoop by itself."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from groundhog.config import DEFAULT_ENTRIES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from groundhog.config import Ack, Function, Protocol


_OURS = "GROUNDHOG_WITHOUT"
"""For the supervisor; helpers of earlier versions, in functions that have a copy, took it for theirs."""


@dataclass(frozen=True, slots=True)
class Command:
    """What to start, and how it says that it has loaded."""

    argv: tuple[str, ...]
    env: dict[str, str]
    cwd: str
    ack: Ack
    protocol: Protocol = "actionloop"
    """How it is spoken to."""


def base_env(function: Function, defaults: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of the process: inherited if wanted, over ``defaults``, under the function's own."""
    inherited = os.environ if function.inherit_env else {}
    env = {**(defaults or {}), **inherited, **function.env}
    env.pop(_OURS, None)
    if function.ack != "none":
        env["OW_WAIT_FOR_ACK"] = "1"
    return env


def launched(function: Function) -> tuple[str, str, str]:
    """What our launchers are told: the handler's file, its entry or those it may have, its name."""
    return str(function.path), function.entry or ",".join(DEFAULT_ENTRIES), function.name


def command_for(function: Function) -> Command:
    """The program as it is, told to acknowledge if it can."""
    return Command(
        argv=function.argv,
        env=base_env(function),
        cwd=str(function.cwd or Path.cwd()),
        ack=function.ack,
    )
