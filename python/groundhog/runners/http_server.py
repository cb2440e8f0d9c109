"""Runs a server of HTTP as a function."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from groundhog.runners.command import Command, base_env

if TYPE_CHECKING:
    from groundhog.config import Function

_ONE_OF_EACH = {"WEB_CONCURRENCY": "1", "THREADS": "1"}
"""One request at a time: the process is reverted after each."""
_FOR_PYTHON = Path(__file__).parent / "bootstrap" / "one_process"
_FOR_PHP = Path(__file__).parent / "bootstrap" / "php"


def command_for(function: Function) -> Command:
    """The program with the environment that Knative gives it: see its runtime contract. ``$PORT`` follows."""
    defaults = {"K_SERVICE": function.name, "K_CONFIGURATION": function.name, "K_REVISION": function.name}
    env = base_env(function, defaults)
    del env["OW_WAIT_FOR_ACK"]
    env["PYTHONPATH"] = os.pathsep.join([str(_FOR_PYTHON), *filter(None, [env.get("PYTHONPATH")])])
    # Behind what there is: the empty name is for the folder that PHP has by itself.
    env["PHP_INI_SCAN_DIR"] = os.pathsep.join([env.get("PHP_INI_SCAN_DIR", ""), str(_FOR_PHP)])
    return Command(
        argv=function.argv,
        env={**env, **_ONE_OF_EACH},
        cwd=str(function.cwd or Path.cwd()),
        ack=function.ack,
        protocol="http",
    )
