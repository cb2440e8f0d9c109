"""Plain HTTP in front of a function: ``POST /`` with a JSON body calls it and answers its JSON.

| status | when |
| --- | --- |
| 200 | the function answered an object or an array; the body is that answer, byte by byte |
| 400 | the body is not JSON, or neither object nor array; ``X-Timeout`` or the domain header makes no sense |
| 403 | with trust domains: a function may have asked its own server (`groundhog.platforms.neighbours`) |
| 408 | the body did not come within the time that a request may take; the connection is closed |
| 413 | the body is larger than the limit |
| 429 | the queue is full, or bodies of others take all the room; ``Retry-After`` says when to try again |
| 502 | the function failed: it raised, its process died, it answered no object, or more than it may |
| 503 | there is no clean worker, or the server is closing; ``Retry-After`` likewise |
| 504 | the function did not answer in time; its process has been killed |

An exception in a handler comes back as the object ``{"error": "..."}``. An answer that has this one member
and no other is passed on with status 502, whoever made it: callers and load balancers see a failure as one.

A request that failed, or printed something, is one event in the log, with the activation id that its
function saw. Of others nothing is logged.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from groundhog import errors
from groundhog.platforms import answers, operations, request_log
from groundhog.platforms.answers import (
    JsonAnswer,
    Refusing,
    arguments,
    parse_timeout,
    read_body,
    reply_to,
    single_header,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

    from groundhog.config import Limits
    from groundhog.platforms.metrics import Metrics
    from groundhog.platforms.neighbours import Neighbours
    from groundhog.pool import Pool
    from groundhog.worker import Job


def endpoint(
    current: Callable[[], Pool],
    limits: Limits,
    domain_of: Callable[[Request], str | None],
    neighbours: Neighbours | None = None,
) -> Callable[[Request], Awaitable[Response]]:
    """Return what answers a call.

    Args:
        current: gives the pool that gets a request, once its body has come.
        limits: those of that pool.
        domain_of: tells a caller's trust domain; None or nothing: the request is a domain of its own.
        neighbours: see `application`.
    """

    async def call(request: Request) -> Response:
        if neighbours is not None:
            await neighbours.check(request)
        timeout = parse_timeout(single_header(request, "X-Timeout"), limits.timeout_s)
        domain = domain_of(request) or None
        body = await read_body(request, limits.request_bytes, limits.timeout_s)
        params = await arguments(body, limits.request_bytes)
        activation_id = os.urandom(16).hex()
        pool = current()
        job: Job | None = None
        try:
            job = pool.submit(params, domain, timeout, {"activation_id": activation_id})
            reply = await reply_to(request, pool, job)
        except errors.GroundhogError as error:
            request_log.failed(activation_id, error, job)
            raise
        if reply.failed or reply.stdout or reply.stderr:
            request_log.replied(activation_id, reply, failed=reply.failed)
        return JsonAnswer(reply.raw, 502 if reply.failed else 200)

    return call


def application(
    pool: Pool,
    metrics: Metrics,
    limits: Limits,
    *,
    domain_header: str | None = None,
    neighbours: Neighbours | None = None,
    operators: Neighbours | None = None,
    info: Mapping[str, Any] | None = None,
) -> Starlette:
    """Return the ASGI application that serves a pool. It neither starts nor closes the pool.

    Args:
        pool: the workers of one function.
        metrics: the observer that was given to the pool.
        limits: the limits that were given to the pool.
        domain_header: the name of the header that carries the caller's trust domain; a request without it
            is a domain of its own.
        neighbours: refuses callers on this machine that may be functions; None: nobody is refused.
        operators: refuses them where it is told what requests did.
        info: what ``/_/info`` says about the function.
    """

    def domain_of(request: Request) -> str | None:
        return single_header(request, domain_header) if domain_header else None

    metrics.watch(pool.stats)
    call = endpoint(lambda: pool, limits, domain_of, neighbours)
    return answers.application(
        [
            Route("/", Refusing(call, ("POST",))),
            *operations.routes(lambda: pool, metrics, info or {}, operators),
        ],
        metrics.on_answer,
    )
