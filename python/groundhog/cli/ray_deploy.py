"""``groundhog ray``: a function on a cluster of Ray Serve."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from groundhog.cli import listening, options
from groundhog.config import MIB, Limits, Network
from groundhog.errors import ConfigError, GroundhogError, UnsupportedError

if TYPE_CHECKING:
    from groundhog.config import Protocol


@click.group("ray")
def command() -> None:
    """Run a function on a cluster of Ray Serve, each request in a clean process."""


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
@listening.workers
@options.workers
@listening.start_timeout
@click.option(
    "--max-body",
    type=options.Mebibytes(),
    default=Limits().request_bytes // MIB,
    show_default=True,
    metavar="MIB",
    help="The largest body of a request, in MiB.",
)
@click.option(
    "--queue",
    type=click.IntRange(min=0),
    default=Limits().queue_length,
    show_default=True,
    help="Requests that may wait at each of Serve's proxies; more are answered 429.",
)
@click.option(
    "--domain-header",
    type=options.HeaderName(),
    metavar="NAME",
    help="The header that carries the caller's trust domain.  [default: Serve's model id]",
)
@listening.trust_local_callers
def deploy(
    handler: str | None,
    program: tuple[str, ...] | None,
    warmup: tuple[Any, ...],
    warmup_file: Path | None,
    warmup_rounds: int,
    *,
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
    try:
        import ray
        from ray import serve
    except ImportError as error:
        raise UnsupportedError(
            f"Ray Serve is not installed ({error}): pip install 'groundhog-faas[ray]', on every node"
        ) from None
    from groundhog.platforms.ray_serve import application

    function = options.function(handler, program, warmup, warmup_file, warmup_rounds, protocol)
    if function.path is not None:
        working_dir = working_dir or function.path.parent
        os.chdir(working_dir)
    scaled = min_replicas is not None or max_replicas is not None
    if scaled and replicas is not None:
        raise click.UsageError("--replicas is a fixed number: leave it out to scale")
    if scaled and max_replicas is None:
        raise click.UsageError("--min-replicas needs --max-replicas")
    asked = {"min_replicas": min_replicas, "max_replicas": max_replicas}
    _connect(ray, address, working_dir)
    try:
        made = application(
            program if program is not None else _below(str(handler), function.path),
            warmup=function.warmup,
            protocol=protocol,
            limits=Limits(
                timeout_s=timeout,
                start_timeout_s=start_timeout,
                scratch_bytes=scratch_bytes,
                request_bytes=max_body,
                queue_length=queue,
            ),
            num_replicas=replicas,
            autoscaling={key: value for key, value in asked.items() if value is not None} if scaled else None,
            ray_actor_options={} if cpus is None else {"num_cpus": cpus},
            **settings,
        )
        try:
            serve.run(made, name=name, route_prefix=route)
        except Exception as error:
            raise DeploymentError(
                f"{function.name} does not serve on the cluster: {error}; the logs of its replicas say why"
            ) from error
    finally:
        ray.shutdown()
    click.echo(f"groundhog: {function.name} serves at {route} of the cluster (application {name})")
