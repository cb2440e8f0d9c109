"""Turn a `Function` into the command that runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundhog.runners import command, http_server, nodejs, python, runtime_api

if TYPE_CHECKING:
    from groundhog.config import Function
    from groundhog.runners.command import Command

_BY_PROTOCOL = {"runtime-api": runtime_api.command_for, "http": http_server.command_for}
_RUNNERS = {"python": python.command_for, "nodejs": nodejs.command_for, "command": command.command_for}


def command_for(function: Function) -> Command:
    """The command line, environment and directory of the function's process."""
    by_protocol = _BY_PROTOCOL.get(function.protocol, _RUNNERS[function.kind])
    return by_protocol(function)
