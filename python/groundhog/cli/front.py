"""What the commands have in common that serve one function to callers of HTTP."""

from __future__ import annotations

import asyncio
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Protocol

import click

from groundhog._log import log
from groundhog.cli import listening, logs, options
from groundhog.config import MIB, Isolation, Limits
from groundhog.platforms import log_readers
from groundhog.platforms.metrics import Metrics
from groundhog.pool import Pool

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.applications import Starlette

    from groundhog.cli.options import Decorated
    from groundhog.config import Function
    from groundhog.platforms.neighbours import Neighbours


class Application(Protocol):
    """Makes what is served."""

    def __call__(
        self,
        pool: Pool,
        metrics: Metrics,
        limits: Limits,
        *,
        domain_header: str | None,
        neighbours: Neighbours | None,
        operators: Neighbours | None,
        info: Mapping[str, Any],
    ) -> Starlette:
        """See `groundhog.platforms.http.application`."""


def served(
    *, port: int, domain_header: str | None = None, max_body_mib: int = Limits().request_bytes // MIB
) -> Callable[[Decorated], Decorated]:
    """Add where it is served, by how many, and to whom: the parameters of `serve`.

    Args:
        port: the default.
        domain_header: the default; None: requests have no domain.
        max_body_mib: the default, in MiB.
    """

    def decorate(command: Decorated) -> Decorated:
        for each in (
            listening.trust_local_callers,
            options.domain_header(domain_header, shown=domain_header is not None),
            options.queue("for a worker"),
            options.max_body(max_body_mib),
            click.option(
                "--drain-delay",
                type=options.Seconds(0, options.DAY_S),
                default=0.0,
                show_default=True,
                metavar="S",
                help="Seconds between SIGTERM and the end of listening, in which /_/ready says 503.",
            ),
            listening.start_timeout,
            options.workers,
            listening.workers,
            click.option("--host", default="127.0.0.1", show_default=True),
            click.option(
                "--port",
                type=click.IntRange(0, 65535),
                default=port,
                show_default=True,
                help="0 takes a free one.",
            ),
        ):
            command = each(command)
        return command

    return decorate


def serve(  # noqa: D417 - the options describe themselves
    function: Function,
    application: Application,
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
    max_body: int,
    drain_delay: float,
    sizes: Mapping[str, int] | None = None,
    **pool_options: Any,
) -> None:
    """Serve a function until a signal ends it.

    Args:
        function: which.
        application: makes what is served of its pool.
        sizes: of `Limits`, those that the platform has of its own.
        port: and all others are the values of the options that `served` adds, by name.
    """
    logs.configure()
    log_readers.warn([logs.STDERR], log_readers.Reader.of(pool_options["jail"], pool_options["uid"]))
    isolation = pool_options["isolation"]
    if isolation == Isolation.DOMAIN.value and not domain_header:
        log.warning("isolation by domain, but no --domain-header: every request is a domain of its own")
    if function.protocol == "http" and not function.warmup:
        log.warning('no --warmup: every request is the first that the server gets; try \'{"path": "/"}\'')
    neighbours = listening.neighbours(
        isolation, pool_options["network"], pool_options["uid"], trust_local_callers=trust_local_callers
    )
    limits = Limits(
        timeout_s=timeout,
        queue_length=listening.most_waiting(queue),
        start_timeout_s=start_timeout,
        scratch_bytes=scratch_bytes,
        request_bytes=max_body,
        **(sizes or {}),
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
        "protocol": function.protocol,
        "timeout_s": timeout,
        "domain_header": domain_header,
    }
    sock = listening.listen(host, port)
    how = f"isolation {isolation}, workers {workers}"
    asyncio.run(
        listening.serve(
            application(
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
            drain_delay_s=drain_delay,
            leave=pool.leave,
        )
    )
