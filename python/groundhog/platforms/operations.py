"""The paths that operators ask, the same on every platform: health, readiness, metrics, information.

What the last two tell of requests, such as how many pages they wrote, is not for functions: a later request
would learn of an earlier one.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from starlette.responses import Response
from starlette.routing import Route

from groundhog.platforms import metrics as metrics_
from groundhog.platforms.answers import JsonAnswer, Refusal, Refusing
from groundhog.platforms.targets import OPERATORS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.requests import Request

    from groundhog.platforms.metrics import Metrics
    from groundhog.platforms.neighbours import Neighbours
    from groundhog.pool import Pool


def routes(
    current: Callable[[], Pool | None],
    metrics: Metrics,
    info: Mapping[str, Any],
    neighbours: Neighbours | None = None,
) -> list[Route]:
    """Return the operators' routes.

    Args:
        current: gives the pool, or ``None`` while there is no function yet.
        metrics: the observer of that pool.
        info: what ``/_/info`` says beside the pool's counters.
        neighbours: refuses callers on this machine that may be functions; None: nobody is refused.
    """

    async def health(_: Request) -> Response:
        return JsonAnswer({"status": "ok"})

    async def ready(_: Request) -> Response:
        pool = current()
        if pool is None or not pool.ready:
            raise Refusal(503, "not ready: no clean worker yet" if pool else "not ready: no function yet")
        return JsonAnswer({"ready": True})

    async def show_metrics(request: Request) -> Response:
        if neighbours is not None:
            await neighbours.check(request)
        return Response(metrics.text(), media_type=None, headers={"content-type": metrics_.CONTENT_TYPE})

    async def show_info(request: Request) -> Response:
        if neighbours is not None:
            await neighbours.check(request)
        pool = current()
        counters = asdict(pool.stats()) if pool else None
        return JsonAnswer({**info, "strategy": metrics.strategy, "pool": counters})

    table = {"health": health, "ready": ready, "metrics": show_metrics, "info": show_info}
    return [Route(OPERATORS + name, Refusing(endpoint, ("GET", "HEAD"))) for name, endpoint in table.items()]
