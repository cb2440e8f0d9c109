"""``groundhog serve``: a function over HTTP."""

from __future__ import annotations

import asyncio
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import click

from groundhog._log import log
from groundhog.cli import listening, log_readers, logs, options
from groundhog.config import Isolation, Limits
from groundhog.platforms import http
from groundhog.platforms.metrics import Metrics
from groundhog.pool import Pool

if TYPE_CHECKING:
    from pathlib import Path


@click.command("serve", cls=options.TargetCommand)
@options.target
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="0 takes a free one."
)
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Processes that serve at a time.",
)
@options.workers
@listening.start_timeout
@click.option(
    "--queue",
    type=click.IntRange(min=0),
    default=Limits().queue_length,
    show_default=True,
    help="Requests that may wait for a worker; more are answered 429.",
)
@click.option(
    "--domain-header",
    type=options.HeaderName(),
    metavar="NAME",
    help="The header that carries the caller's trust domain.",
)
@listening.trust_local_callers
@click.option(
    "--protocol",
    type=options.Protocol(),
    default="actionloop",
    show_default=True,
    help="How a command is spoken to.",
)
def command(
    handler: str | None,
    program: tuple[str, ...] | None,
    warmup: tuple[Any, ...],
    warmup_file: Path | None,
    warmup_rounds: int,
    *,
    port: int,
    host: str,
    workers: int,
    timeout: float,
    scratch_bytes: int,
    start_timeout: float,
    queue: int,
    domain_header: str | None,
    trust_local_callers: bool,
    protocol: str,
    **pool_options: Any,
) -> None:
    """Serve a function: POST / with a JSON body calls it and answers its JSON.

    TARGET: handler.py[:main], handler.js[:main], or -- COMMAND ARGS... a program that speaks ActionLoop.
    """
    function = options.function(handler, program, warmup, warmup_file, warmup_rounds)
    logs.configure()
    log_readers.warn([logs.STDERR], log_readers.Reader.of(pool_options["jail"], pool_options["uid"]))
    isolation = pool_options["isolation"]
    if isolation == Isolation.DOMAIN.value and not domain_header:
        log.warning("isolation by domain, but no --domain-header: every request is a domain of its own")
    neighbours = listening.neighbours(
        isolation, pool_options["network"], pool_options["uid"], trust_local_callers=trust_local_callers
    )
    limits = Limits(
        timeout_s=timeout,
        queue_length=listening.most_waiting(queue),
        start_timeout_s=start_timeout,
        scratch_bytes=scratch_bytes,
    )
    metrics = Metrics()
    pool = Pool(function, workers, limits=limits, observer=metrics, **pool_options)
    info = {
        "groundhog": version("groundhog-faas"),
        "function": function.name,
        "kind": function.kind,
        **{
            name: pool_options[name]
            for name in ("isolation", "jail", "network", "verify", "connections", "keep_connections", "hooks")
        },
        "protocol": protocol,
        "timeout_s": timeout,
        "domain_header": domain_header,
    }
    sock = listening.listen(host, port)
    how = f"isolation {isolation}, workers {workers}"
    asyncio.run(
        listening.serve(
            http.application(
                pool,
                metrics,
                limits,
                domain_header=domain_header,
                neighbours=neighbours if isolation == Isolation.DOMAIN.value else None,
                operators=neighbours,
                info=info,
            ),
            sock,
            start=pool.start,
            drain=pool.drain,
            close=pool.aclose,
            hurry=pool.hurry,
            announcement=f"groundhog: {function.name} ready at {listening.url(sock)} ({how})",
            drain_s=timeout + 1,
        )
    )
