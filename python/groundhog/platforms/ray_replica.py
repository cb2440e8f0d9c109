"""A replica of Ray Serve: a pool, and what asks it.

Ray makes a `DeployedReplica` in a process of its own; nothing else here needs Ray to be installed.
"""

from __future__ import annotations

import asyncio
import dataclasses
import inspect
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
from groundhog.config import Function, Isolation, Jail, Limits, Network
from groundhog.errors import ConfigError, InvalidRequestError, PoolClosedError
from groundhog.platforms import answers, http, log_readers
from groundhog.platforms.answers import Refusal, Refusing, single_header
from groundhog.pool import Pool

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence

    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

    from groundhog.config import JsonValue, Protocol
    from groundhog.observer import Observer
    from groundhog.platforms.ray_metrics import RayMetrics

MODEL_ID = "serve_multiplexed_model_id"
"""The header by which Serve routes."""
_SPELLINGS = (MODEL_ID, MODEL_ID.replace("_", "-"))
"""Some gateways drop headers with underscores; Serve takes both."""
_RAYS_OWN = ("RAY_", "GRPC_ENABLE_FORK_SUPPORT")
"""What variables of Ray and of its libraries begin with: addresses and tokens are nothing for functions."""
_POOLS = frozenset(inspect.signature(Pool).parameters) - {"function", "limits", "engine", "observer"}
"""What else shapes a pool."""
_STDERR = 2


@dataclass(frozen=True)
class Settings:
    """What one replica serves, and how."""

    target: str | Sequence[str]
    """A file, or the words of a command."""
    warmup: Sequence[JsonValue] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    protocol: Protocol = "actionloop"
    domain_header: str | None = None
    trust_local_callers: bool = False
    limits: Limits = field(default_factory=Limits)
    pool: Mapping[str, Any] = field(default_factory=dict)
    """Other arguments of `Pool`, by name."""

    @property
    def isolation(self) -> Isolation:
        """When a process is reverted."""
        return Isolation.parse(self.pool["isolation"])

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

    def new_pool(self, observer: Observer | None = None) -> Pool:
        """Return a pool for it, not started.

        Raises:
            ConfigError: the settings do not go together, or the target cannot be used.
        """
        if self.protocol == "http":
            raise ConfigError(
                "a server of HTTP cannot be a replica's function, which is called with JSON: serve it by"
                " groundhog serve --protocol http"
            )
        reached = Network.parse(self.pool["network"]) is Network.HOST
        if self.isolation is Isolation.DOMAIN and reached and not self.trust_local_callers:
            raise ConfigError(
                "with isolation by domain, a function that reaches the network could ask Serve in another"
                " domain's name: choose network none, or trust_local_callers if something else prevents it"
            )
        return Pool(self.function(), limits=self.limits, observer=observer, **self.pool)

    def changed(self, changes: Mapping[str, Any]) -> Settings:
        """The same settings but for those that are given, by the names that `application` has for them.

        Raises:
            ConfigError: there is none of such a name.
        """
        ours = {each.name for each in dataclasses.fields(self)} - {"pool", "limits"}
        unknown = set(changes) - ours - {"limits"} - _POOLS
        limits = changes.get("limits", {})
        unknown |= {f"limits.{name}" for name in limits} - {
            f"limits.{each.name}" for each in dataclasses.fields(Limits)
        }
        if unknown:
            raise ConfigError(f"unknown settings of a replica: {', '.join(sorted(unknown))}")
        return dataclasses.replace(
            self,
            **{name: value for name, value in changes.items() if name in ours},
            limits=dataclasses.replace(self.limits, **limits),
            pool={**self.pool, **{name: value for name, value in changes.items() if name in _POOLS}},
        )


@dataclass(frozen=True)
class _Serving:
    """A pool that has started, and what asks it."""

    settings: Settings
    pool: Pool
    application: Starlette


class Replica:
    """What one replica does. It serves once `reconfigure` has been called, as Ray does before requests come.

    Args:
        settings: what it serves, but for changes that come later.
        metrics: are told of what the pool does, and answers.
        keep_near: gives, for a number of workers, what tells Ray that a domain is served here.
        model_id: gives the one that the present request came with, or nothing.
    """

    def __init__(
        self,
        settings: Settings,
        metrics: RayMetrics,
        keep_near: Callable[[int], Callable[[str], Awaitable[object]]],
        model_id: Callable[[], str],
    ) -> None:
        self._settings = settings
        self._metrics = metrics
        self._keep_near = keep_near
        self._model_id = model_id
        self._serving: _Serving | None = None
        self._changing = asyncio.Lock()
        self._ending: set[asyncio.Task[None]] = set()
        self._note: Callable[[str], Awaitable[object]] | None = None

    async def reconfigure(self, changes: Mapping[str, Any]) -> None:
        """Serve with other settings, once their processes have started; requests go on with the old ones.

        Args:
            changes: to the settings that the replica was made with, by name.

        Raises:
            GroundhogError: they do not start. What served before goes on.
        """
        settings = self._settings.changed(changes)
        async with self._changing:
            before = self._serving
            if before is not None and before.settings == settings:
                return  # Ray also tells that other replicas have come or gone
            pool = settings.new_pool(self._metrics)
            await pool.start()
            workers = settings.pool["workers"]
            if before is None or before.settings.pool["workers"] != workers:
                self._note = self._keep_near(workers)
            self._serving = _Serving(settings, pool, self._application(settings))
            self._metrics.show(pool.stats())
        if before is not None:
            task = asyncio.create_task(_end(before.pool))
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    def _application(self, settings: Settings) -> Starlette:
        def domain_of(request: Request) -> str | None:
            return _domain_of(request, settings)

        call = http.endpoint(self._current, settings.limits, domain_of)
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
            await _end(before.pool)
        await asyncio.gather(*self._ending)


async def _end(pool: Pool) -> None:
    """Let a pool's requests end, then its processes. Each of those that wait may take all of its time."""
    await pool.drain(pool.limits.timeout_s * (1 + pool.stats().queue_length))
    await pool.aclose()


class DeployedReplica(Replica):
    """What Ray makes of it, in a process of its own, in whose event loop all of it runs."""

    async def __init__(self, settings: Settings) -> None:  # type: ignore[misc]  # Ray awaits it
        from ray import serve
        from ray.serve import metrics

        from groundhog.platforms.ray_metrics import RayMetrics

        _log_to_stderr(quiet=True)  # before it is known who may read it
        await asyncio.to_thread(temporary.remove_left)
        super().__init__(settings, RayMetrics(metrics), _kept_near, serve.get_multiplexed_model_id)

    async def reconfigure(self, changes: Mapping[str, Any]) -> None:
        """Likewise, and keep what requests print from functions that can read the log."""
        pool = self._settings.changed(changes).pool
        jail, uid = pool.get("jail", Jail.AUTO.value), pool.get("uid")
        readable = log_readers.readable([_STDERR], log_readers.Reader.of(jail, uid))
        _log_to_stderr(quiet=bool(readable))
        if readable:
            log.info("functions can read this log: what requests print is not in it", path=str(readable[0]))
        if uid in {None, os.geteuid()}:
            log.warning(
                "functions are the same user as Ray: they can connect to its sockets, which are files, and"
                " may so reach the cluster; run them as another user (uid)"
            )
        await super().reconfigure(changes)

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
