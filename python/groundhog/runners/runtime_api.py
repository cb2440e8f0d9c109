"""Runs a client of AWS Lambda's Runtime API."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from groundhog.runners.command import Command, base_env

if TYPE_CHECKING:
    from groundhog.config import Function

_MEMORY_MB = "1024"


def command_for(function: Function) -> Command:
    """The program with the environment that AWS gives it; what the function's own or ours has goes before."""
    cwd = str(function.cwd or Path.cwd())
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    defaults = {
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": _MEMORY_MB,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": "$LATEST",
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "LAMBDA_TASK_ROOT": cwd,
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "_HANDLER": function.argv[-1],
        "TZ": ":UTC",
    }
    env = base_env(function, defaults)
    del env["OW_WAIT_FOR_ACK"]
    # One event at a time, whatever the machine's own environment says: the process is reverted after each.
    env.pop("AWS_LAMBDA_MAX_CONCURRENCY", None)
    return Command(argv=function.argv, env=env, cwd=cwd, ack=function.ack, protocol="runtime-api")
