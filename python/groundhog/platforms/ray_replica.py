"""A replica of Ray Serve: a pool, and what asks it.

Ray makes a `DeployedReplica` in a process of its own; nothing else here needs Ray to be installed.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import os
import sys
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import structlog
from starlette.responses import Response
from starlette.routing import Route

from groundhog import temporary
from groundhog._log import log
from groundhog.config import Function, Isolation, Jail, Limits
from groundhog.errors import InvalidRequestError, PoolClosedError
from groundhog.platforms import answers, http, log_readers
from groundhog.platforms.answers import Refusal, Refusing, single_header
from groundhog.pool import Pool

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence

    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

    from groundhog.config import JsonValue, Protocol
    from groundhog.platforms.ray_metrics import RayMetrics

MODEL_ID = "serve_multiplexed_model_id"
"""The header by which Serve routes."""
_SPELLINGS = (MODEL_ID, MODEL_ID.replace("_", "-"))
"""Some gateways drop headers with underscores; Serve takes both."""
_RAYS_OWN = ("RAY_", "SERVE_")
"""What variables of Ray begin with: addresses and tokens among them, which are nothing for functions."""
_STDERR = 2


@dataclass(frozen=True)
class Settings:
    """What one replica serves, and how: JSON, so that Ray passes it on as it is (``user_config``)."""

    target: str | Sequence[str]
    warmup: Sequence[JsonValue] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    protocol: Protocol = "actionloop"
    code: str = ""
    """A digest of the function's file: a change of it is one of the settings."""
    domain_header: str | None = None
    limits: Mapping[str, float] = field(default_factory=dict)
    pool: Mapping[str, Any] = field(default_factory=dict)
    """Other arguments of `Pool`, by name."""

    def function(self) -> Function:
        """What is served, without the variables of Ray.

        Raises:
            ConfigError: it cannot be used.
        """
        if isinstance(self.target, str):
            function = Function.from_target(self.target, warmup=self.warmup, env=self.env)
        else:
            function = Function.from_command(
                self.target, warmup=self.warmup, env=self.env, protocol=self.protocol
            )
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_RAYS_OWN)}
        return dataclasses.replace(
            function, env=MappingProxyType({**kept, **function.env}), inherit_env=False
        )

    @property
    def isolation(self) -> Isolation:
        """When a process is reverted."""
        return Isolation.parse(self.pool["isolation"])

    @property
    def workers(self) -> int:
        """How many serve at a time."""
        return int(self.pool["workers"])


@dataclass(frozen=True)
class _Serving:
    """A pool that has started, and what asks it."""

    settings: Settings
    pool: Pool
    application: Starlette


class Replica:
    """What one replica does. Ray gives it its settings by `reconfigure` before the first request, and later
    ones while it serves.

    Args:
        metrics: are told of what the pool does, and answers.
        keep_near: gives, for a number of workers, what tells Ray that a domain is served here.
        model_id: gives the one that the present request came with, or nothing.
    """

    def __init__(
        self,
        metrics: RayMetrics,
        keep_near: Callable[[int], Callable[[str], Awaitable[object]]],
        model_id: Callable[[], str],
    ) -> None:
        self._metrics = metrics
        self._keep_near = keep_near
        self._model_id = model_id
        self._serving: _Serving | None = None
        self._changing = asyncio.Lock()
        self._ending: set[asyncio.Task[None]] = set()
        self._note: Callable[[str], Awaitable[object]] | None = None

    async def reconfigure(self, config: Mapping[str, Any]) -> None:
        """Serve with other settings, once their processes have started; requests go on with the old ones.

        Raises:
            GroundhogError: they do not start. What served before goes on.
        """
        settings = Settings(**config)
        async with self._changing:
            before = self._serving
            if before is not None and before.settings == settings:
                return  # Ray also tells that other replicas have come or gone
            limits = Limits(**settings.limits)  # type: ignore[arg-type]  # its whole numbers came as such
            pool = Pool(settings.function(), limits=limits, observer=self._metrics, **settings.pool)
            await pool.start()
            if before is None or before.settings.workers != settings.workers:
                self._note = self._keep_near(settings.workers)
            self._serving = _Serving(settings, pool, self._application(settings, limits))
            self._metrics.show(pool.stats())
        if before is not None:
            task = asyncio.create_task(_end(before))
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    def _application(self, settings: Settings, limits: Limits) -> Starlette:
        def domain_of(request: Request) -> str | None:
            return _domain_of(request, settings)

        call = http.endpoint(self._current, limits, domain_of)
        return answers.application([Route("/", Refusing(call, ("POST",)))], self._metrics.on_answer)

    def _current(self) -> Pool:
        if self._serving is None:
            raise PoolClosedError("the replica has no settings yet, or is closed")
        return self._serving.pool

    async def __call__(self, request: Request) -> Response:
        """Answer a request of HTTP."""
        self._current()
        assert self._serving is not None  # noqa: S101 - else it has raised
        await self._keep(next((value for name in _SPELLINGS if (value := request.headers.get(name))), None))
        return _Passed(self._serving.application)

    async def invoke(
        self, params: JsonValue, domain: str | None = None, timeout: float | None = None
    ) -> JsonValue:
        """Call the function, and return its answer: for deployment handles.

        Args:
            params: its arguments.
            domain: the caller's trust domain; by default the model id that the handle was given.
            timeout: seconds that it may take, instead of the limit.

        Raises:
            GroundhogError: as `Pool.invoke` does.
        """
        model = self._model_id() or None
        if model is not None and domain is not None and model != domain:
            raise InvalidRequestError(f"two trust domains: {domain!r}, and the model id {model!r}")
        await self._keep(model)
        return (await self._current().invoke(params, domain or model, timeout)).value

    async def _keep(self, domain: str | None) -> None:
        """Have Ray send a domain's next requests here, too."""
        serving, note = self._serving, self._note
        if domain and serving and note and serving.settings.isolation is Isolation.DOMAIN:
            await note(domain)

    async def check_health(self) -> None:
        """Tell Ray how the pool is.

        Raises:
            RuntimeError: no process is alive, and none starts: after three of these Ray replaces us.
        """
        if self._serving is None:
            return
        pool = self._serving.pool
        self._metrics.show(pool.stats())
        if pool.start_error is not None and not pool.ready:
            raise RuntimeError(f"no process of {pool.function.name} starts: {pool.start_error}")

    async def close(self) -> None:
        """Answer what was accepted, and end every process."""
        async with self._changing:
            before, self._serving = self._serving, None
        if before is not None:
            await _end(before)
        await asyncio.gather(*self._ending)


async def _end(serving: _Serving) -> None:
    """Let a pool's requests end, then its processes."""
    limits = serving.pool.limits
    await serving.pool.drain(limits.timeout_s + limits.start_timeout_s)
    await serving.pool.aclose()


class DeployedReplica(Replica):
    """What Ray makes of it, in a process of its own, in whose event loop all of it runs."""

    async def __init__(self) -> None:  # type: ignore[misc]  # Ray awaits it
        from ray import serve
        from ray.serve import metrics

        from groundhog.platforms.ray_metrics import RayMetrics

        _log_to_stderr(quiet=True)  # before it is known who may read it
        await asyncio.to_thread(temporary.remove_left)
        super().__init__(RayMetrics(metrics), _kept_near, serve.get_multiplexed_model_id)

    async def reconfigure(self, config: Mapping[str, Any]) -> None:
        """Likewise, and keep what requests print from functions that can read the log."""
        jail, uid = config["pool"].get("jail", Jail.AUTO.value), config["pool"].get("uid")
        readable = log_readers.readable([_STDERR], log_readers.Reader.of(jail, uid))
        _log_to_stderr(quiet=bool(readable))
        if readable:
            log.info("functions can read this log: what requests print is not in it", path=str(readable[0]))
        if uid in {None, os.geteuid()}:
            log.warning(
                "functions are the same user as Ray: they can connect to its sockets, which are files, and"
                " may so reach the cluster; run them as another user (uid)"
            )
        await super().reconfigure(config)

    async def __del__(self) -> None:
        """Ray calls it, and waits for it, when the replica has answered all it has accepted."""
        await self.close()


def _kept_near(workers: int) -> Callable[[str], Awaitable[object]]:
    """Return what tells Ray of a domain that this replica serves, and of as many others as have workers."""

    async def served(domain: str) -> str:
        return domain

    from ray import serve

    noted: Callable[[str], Awaitable[object]] = serve.multiplexed(max_num_models_per_replica=workers)(served)
    return noted


def _domain_of(request: Request, settings: Settings) -> str | None:
    """The trust domain that a request names.

    Where there is a header for it, a gateway sets that one alone: what else a caller sends may only repeat
    it.

    Raises:
        Refusal: 400, if it names another one by Serve's model id.
    """
    models = {value for name in _SPELLINGS if (value := single_header(request, name))}
    trusted = settings.domain_header
    domains = {single_header(request, trusted) or None} if trusted else models
    if len(models | domains) > 1:
        names = f"the header {trusted}" if trusted else "its other spelling"
        raise Refusal(400, f"the header {MODEL_ID} names another trust domain than {names}: send one of them")
    return domains.pop() if domains else None


class _Passed(Response):
    """What Serve sends to the client: whatever an ASGI application answers."""

    def __init__(self, application: Starlette) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer. The paths are those below the application's route."""
        below = scope["path"].removeprefix(scope.get("root_path", ""))
        await self._application({**scope, "path": below or "/", "root_path": ""}, receive, send)


def _log_to_stderr(*, quiet: bool) -> None:
    """Log as JSON, since functions may print what a terminal obeys, and Ray shows it on the driver's.

    Args:
        quiet: leave out what requests printed.
    """

    def without_output(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        for name in ("stdout", "stderr") if quiet else ():
            event.pop(name, None)
        return event

    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            without_output,
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ]
    )
    logger = logging.getLogger("groundhog")
    logger.handlers = [logging.StreamHandler(sys.stderr)]
    logger.propagate = False
    logger.setLevel(logging.INFO)
