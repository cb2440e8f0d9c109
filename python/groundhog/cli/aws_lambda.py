"""``groundhog lambda``: a function that speaks the Runtime API, called as AWS Lambda's are."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import click

from groundhog.cli import front, options
from groundhog.config import MIB, Function
from groundhog.platforms import aws_lambda
from groundhog.protocols.runtime_api import MOST_RESPONSE
from groundhog.runners import command_for

if TYPE_CHECKING:
    from pathlib import Path


@click.command("lambda", cls=options.ProgramCommand)
@options.warmups
@front.served(port=9000, domain_header=aws_lambda.TENANT, max_body_mib=aws_lambda.MOST_EVENT // MIB)
@click.option(
    "--function-name",
    metavar="NAME",
    default=aws_lambda.EMULATED,
    show_default=True,
    help="By which callers know it.",
)
@click.option(
    "--memory",
    type=click.IntRange(min=1),
    default=1024,
    show_default=True,
    metavar="MB",
    help="What the function is told that it has; no limit.",
)
@click.option(
    "--runtime",
    metavar="ID",
    help="AWS's name of the runtime, such as python3.12: clients adapt to it.  [default: they are not told]",
)
@click.option(
    "--snap-start",
    is_flag=True,
    help="Have the client run the function's SnapStart hooks after each restore.",
)
def command(
    program: tuple[str, ...] | None,
    warmup: tuple[Any, ...],
    warmup_file: Path | None,
    warmup_rounds: int,
    *,
    function_name: str,
    memory: int,
    runtime: str | None,
    snap_start: bool,
    **served: Any,
) -> None:
    """Serve a client of AWS Lambda's Runtime API: awslambdaric, aws-lambda-ric, any bootstrap.

    It is called as on AWS: POST /2015-03-31/functions/NAME/invocations, by boto3 or the AWS CLI with
    --endpoint-url.
    """
    if not program:
        example = "-- python -m awslambdaric app.handler"
        raise click.UsageError(f"the client's command is missing, after --, such as {example}")
    env = {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(memory)}
    if runtime is not None:
        env["AWS_EXECUTION_ENV"] = f"AWS_Lambda_{runtime}"
    if snap_start:
        env["AWS_LAMBDA_INITIALIZATION_TYPE"] = "snap-start"
    requests = options.requests(warmup, warmup_file, warmup_rounds)
    function = Function.from_command(program, requests, env, name=function_name, protocol="runtime-api")
    front.serve(
        function,
        functools.partial(aws_lambda.application, region=command_for(function).env["AWS_REGION"]),
        sizes={"result_bytes": MOST_RESPONSE},
        **served,
    )
