"""``groundhog openwhisk``: an OpenWhisk action container."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from groundhog.cli import listening, logs, options
from groundhog.config import Limits
from groundhog.platforms import log_readers
from groundhog.platforms.openwhisk import Container
from groundhog.pool import Pool

if TYPE_CHECKING:
    from groundhog.config import Function
    from groundhog.observer import Observer
    from groundhog.platforms.openwhisk_code import Runtime


@click.command("openwhisk")
@click.option(
    "--runtime",
    type=click.Choice(["python", "nodejs", "command"]),
    default="python",
    show_default=True,
    help="What the code of an action is.",
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="0 takes a free one."
)
@click.option(
    "--host",
    default="0.0.0.0",  # noqa: S104 - the platform calls from outside of the container
    show_default=True,
    help="The platform calls from outside of the container.",
)
@listening.workers
@options.workers
@listening.start_timeout
@listening.trust_local_callers
@click.option(
    "--log-file",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Append our own events to this file; without it they are dropped.",
)
def command(
    *,
    runtime: Runtime,
    port: int,
    host: str,
    workers: int,
    timeout: float,
    scratch_bytes: int,
    start_timeout: float,
    trust_local_callers: bool,
    log_file: Path | None,
    **pool_options: Any,
) -> None:
    """Be an OpenWhisk action container: POST /init gives the function, POST /run calls it."""
    # Whatever is on stdout and stderr counts as the log of an activation, perhaps of another caller.
    handler = logs.file(log_file)
    logs.configure(handler=handler)
    written = [1, 2]
    if isinstance(handler, logging.FileHandler) and handler.stream is not None:
        written.append(handler.stream.fileno())
    log_readers.warn(written, log_readers.Reader.of(pool_options["jail"], pool_options["uid"]))
    limits = Limits(timeout_s=timeout, start_timeout_s=start_timeout, scratch_bytes=scratch_bytes)

    def make_pool(function: Function, observer: Observer) -> Pool:
        return Pool(function, workers, limits=limits, observer=observer, **pool_options)

    jail, uid = pool_options["jail"], pool_options["uid"]
    neighbours = listening.neighbours(
        pool_options["isolation"],
        pool_options["network"],
        uid,
        trust_local_callers=trust_local_callers,
    )
    container = Container(runtime, make_pool, limits, jail=jail, uid=uid, neighbours=neighbours)
    sock = listening.listen(host, port)
    # The platform takes all that is printed for the log of an activation. Nobody is told of a port but who
    # asked for any.
    announcement = None if port else f"groundhog: OpenWhisk container for {runtime} at {listening.url(sock)}"

    async def nothing() -> None:
        """Workers start with /init."""

    asyncio.run(
        listening.serve(
            container.application(),
            sock,
            start=nothing,
            drain=container.drain,
            close=container.aclose,
            hurry=container.hurry,
            announcement=announcement,
            drain_s=timeout + 1,
        )
    )
