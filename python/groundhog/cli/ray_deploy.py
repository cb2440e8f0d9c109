"""``groundhog ray``: a function on a cluster of Ray Serve."""

from __future__ import annotations

import functools
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from groundhog.cli import listening, options
from groundhog.config import Limits, Network
from groundhog.errors import ConfigError

if TYPE_CHECKING:
    from groundhog.config import Function, Protocol


@click.group("ray", invoke_without_command=True)
@click.pass_context
def command(ctx: click.Context) -> None:
    """Run a function on a cluster of Ray Serve, each request in a clean process."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help(), err=True)
        ctx.exit(2)


@command.command(
    "deploy",
    cls=options.TargetCommand,
    # Ray's ports let whoever reaches them run anything on the cluster.
    context_settings={"default_map": {"network": Network.NONE.value}},
)
@options.target
@options.protocol
@click.option("--address", default="auto", show_default=True, help="The cluster's; auto: the one around us.")
@click.option("--name", default="groundhog", show_default=True, help="Of the application.")
@click.option("--route", default="/", show_default=True, metavar="PATH", help="Where Serve offers it.")
@click.option(
    "--working-dir",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="The folder that is sent to every node, below which the target lies.  [default: that of the file;"
    " none for commands, which have to be there]",
)
@click.option("--replicas", type=click.IntRange(min=1), metavar="N", help="How many there are.  [default: 1]")
@click.option("--min-replicas", type=click.IntRange(min=0), metavar="N", help="Scale, from so many on.")
@click.option("--max-replicas", type=click.IntRange(min=1), metavar="N", help="Scale, up to so many.")
@click.option(
    "--cpus",
    type=click.FloatRange(min=0),
    metavar="N",
    help="Processors that Ray sets aside for a replica.  [default: one for each worker]",
)
@click.option(
    "--ahead",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    metavar="N",
    help="Requests that may wait at a replica, beside those that its workers serve.",
)
@listening.workers
@options.workers
@listening.start_timeout
@options.max_body()
@options.queue("at each of Serve's proxies")
@options.domain_header(shown="Serve's model id")
@listening.trust_local_callers
def deploy(
    *,
    target: options.Target,
    protocol: Protocol,
    address: str,
    name: str,
    route: str,
    working_dir: Path | None,
    replicas: int | None,
    min_replicas: int | None,
    max_replicas: int | None,
    cpus: float | None,
    timeout: float,
    start_timeout: float,
    scratch_bytes: int,
    max_body: int,
    queue: int,
    **settings: Any,
) -> None:
    """Deploy a function to a cluster that runs; again: change it there, and drop no request.

    TARGET: handler.py[:main], handler.js[:main], or -- COMMAND ARGS... a program that speaks ActionLoop. The
    command returns when the replicas serve; `serve status` and `serve delete` are Ray's own.
    """
    from groundhog.platforms import ray_serve

    serve = ray_serve.installed()
    import ray

    function = target.function(protocol)
    scaled = min_replicas is not None or max_replicas is not None
    if scaled and replicas is not None:
        raise click.UsageError("--replicas is a fixed number: leave it out to scale")
    if scaled and max_replicas is None:
        raise click.UsageError("--min-replicas needs --max-replicas")
    asked = {"min_replicas": min_replicas, "max_replicas": max_replicas}
    scale = {option: number for option, number in asked.items() if number is not None}
    limits = Limits(
        timeout_s=timeout,
        start_timeout_s=start_timeout,
        scratch_bytes=scratch_bytes,
        request_bytes=max_body,
        queue_length=queue,
    )
    sent = working_dir
    named: str | list[str] = list(target.program or ())
    if function.path is not None:
        sent = (working_dir or function.path.parent).absolute()
        named = _below(sent, function)
        os.chdir(sent)  # it is found there here, too
    made = functools.partial(
        ray_serve.application,
        named,
        warmup=function.warmup,
        protocol=protocol,
        limits=limits,
        num_replicas=replicas,
        autoscaling=scale if scaled else None,
        ray_actor_options={} if cpus is None else {"num_cpus": cpus},
        **settings,
    )
    made()  # what does not go together is told before the cluster is asked
    logging.getLogger("ray.serve").setLevel(logging.WARNING)
    try:
        ray.init(
            address,
            runtime_env={} if sent is None else {"working_dir": str(sent)},
            logging_level=logging.WARNING,
            log_to_driver=False,
        )
    except (ConnectionError, ValueError) as error:
        raise ConfigError(f"no cluster of Ray at {address}: {_first_line(error)}") from None
    try:
        serve.run(made(), name=name, route_prefix=route)
    except RuntimeError as error:
        raise click.ClickException(
            f"{function.name} does not serve on the cluster: {_first_line(error)} (`serve status`, and the"
            " logs of its replicas, say why)"
        ) from None
    finally:
        ray.shutdown()
    click.echo(f"groundhog: {function.name} serves at {route} of the cluster (application {name})")


def _below(folder: Path, function: Function) -> str:
    """A target as it is named from the folder that is sent to the nodes.

    Raises:
        ConfigError: it lies elsewhere.
    """
    assert function.path is not None  # noqa: S101 - a function in a file
    try:
        path = function.path.resolve().relative_to(folder.resolve())
    except ValueError:
        raise ConfigError(
            f"{function.path} is not below {folder}, which is what the nodes get: choose another"
            " --working-dir"
        ) from None
    return f"{path}:{function.entry}" if function.entry else str(path)


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
