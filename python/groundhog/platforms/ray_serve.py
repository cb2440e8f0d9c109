"""A function on a cluster of Ray Serve: each replica owns a pool of clean processes.

    from groundhog.platforms import ray_serve
    ray_serve.run("handler.py", num_replicas=3)

Ray places replicas on nodes, replaces those that die, and changes their number. What it offers between
replicas are containers around them; what makes one replica safe to be used again is the pool in it.

**Requests.** ``POST`` to the application's route is answered as by `groundhog.platforms.http`, byte by byte,
and a deployment handle calls ``invoke``. As many requests are sent to a replica at a time as it has workers;
others wait at Serve's proxies and handles, ``limits.queue_length`` at each, and one more is answered 429.

**Failures.** A request that a replica has taken over is never sent again by us: its function may have run.
Serve itself sends a request again only if the replica refused it, or died before Serve heard that it took it.

**Trust domains.** With ``isolation="domain"``, Serve's model id (the header ``serve_multiplexed_model_id``,
or ``handle.options(multiplexed_model_id=...)``) is the trust domain: of Ray's ways to route by a key it is
the most settled one. A replica tells Ray the domains of its last requests, as many as it has workers;
Serve prefers one that has the caller's, then those with the fewest, which have processes that are nobody's.
It is a preference, not a promise, and told with some delay: isolation does not depend on it. Ray has these
ids in its metrics, so they must not be secrets.

**What functions reach.** Ray's own ports let whoever reaches them run anything on the cluster. So functions
have no network but their own, unless one is asked for. Ray's sockets are files of its user: run functions as
another one (``uid``). Where they can read the replica's log, it leaves out what requests print.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundhog.config import Isolation, Limits, Network
from groundhog.errors import ConfigError, UnsupportedError
from groundhog.platforms.ray_replica import DeployedReplica, Settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from groundhog.config import JsonValue, Protocol

_NO_FORK_HANDLERS = {"GRPC_ENABLE_FORK_SUPPORT": "0"}
"""Of the replica's process. Ray's gRPC would start its threads anew in each fork, also in one that is to
become a function: a program with threads may not enter a namespace of users.
"""
_ENDING_S = 10.0
"""How long a replica may take to end beside its requests: its processes are killed, its files removed."""
_LOAD = 0.7
"""Of a replica's workers, how many are to be busy: with more, requests wait while another one starts."""
_LOOKING_AGAIN = {"initial_backoff_s": 0.005, "max_backoff_s": 0.05}
"""When a proxy that found all replicas busy looks for one again. Ray's own half second, which suits replicas
that take many requests at a time, leaves single workers idle for as long as they work.
"""
_HEALTH_PERIOD_S = 2.0
"""How often Ray looks at a replica: a dead one is replaced as late as that."""


def run(
    target: str | os.PathLike[str] | Sequence[str],
    *,
    app: str = "default",
    route: str = "/",
    **settings: Any,
) -> Any:
    """Deploy a function to the cluster around us, or a new one, and return its handle once it serves.

    Args:
        target: see `application`.
        app: the name of the application.
        route: where Serve offers it.
        **settings: the other arguments of `application`.

    Raises:
        ConfigError: as `application` does.
        UnsupportedError: likewise.
        RuntimeError: no replica starts.
    """
    return installed().run(application(target, **settings), name=app, route_prefix=route)


def application(
    target: str | os.PathLike[str] | Sequence[str],
    *,
    warmup: Sequence[JsonValue] = (),
    env: Mapping[str, str] | None = None,
    protocol: Protocol = "actionloop",
    workers: int = 1,
    ahead: int = 0,
    isolation: Isolation | str = Isolation.REQUEST,
    network: Network | str = Network.NONE,
    limits: Limits | None = None,
    domain_header: str | None = None,
    trust_local_callers: bool = False,
    name: str = "groundhog",
    num_replicas: int | None = None,
    autoscaling: Mapping[str, Any] | None = None,
    ray_actor_options: Mapping[str, Any] | None = None,
    deployment: Mapping[str, Any] | None = None,
    **pool: Any,
) -> Any:
    """Return a Serve application of one function, for ``serve.run`` or a configuration of Serve.

    Deploying it again replaces the replicas, some at a time, each when it has answered what it accepted. The
    ``user_config`` of a configuration of Serve changes replicas that run: its members are named as the
    arguments here from ``target`` to ``trust_local_callers``, and those of `Pool`. A replica starts processes
    of the new settings before those of the old ones end. With another number of workers, change Serve's
    ``max_ongoing_requests``, too.

    Args:
        target: ``handler.py[:main]``, ``handler.js[:main]``, or the words of a command. A relative path is
            looked up in the working directory that Ray gives its replicas (``runtime_env``) if it gives one;
            else it is made absolute, and has to be there on every node.
        warmup: requests served before the snapshot.
        env: variables of the function, beside those of the replica that are not Ray's.
        protocol: how a command is spoken to; ``http`` is refused.
        workers: processes of a replica that serve at a time, and how many requests Ray sends it at a time.
        ahead: how many more Ray sends it, which wait there. Serve leaves a replica that is full idle for some
            milliseconds after each request; but what waits there is lost with it.
        isolation: see `Isolation`.
        network: see `Network`; none, other than elsewhere, since Ray's ports are open to whoever reaches
            them.
        limits: see `Limits`; ``queue_length`` is how many requests wait at each proxy or handle, 1 at
            least.
        domain_header: the header that carries the caller's trust domain; by default Serve's model id.
        trust_local_callers: with domains and a network, something else keeps functions from asking Serve by
            themselves in another domain's name.
        name: of the deployment.
        num_replicas: how many replicas there are; 1 if it is left out.
        autoscaling: instead, members of Ray's ``autoscaling_config`` such as ``min_replicas`` and
            ``max_replicas``; ``target_ongoing_requests`` is 0.7 of the workers.
        ray_actor_options: of each replica; ``num_cpus`` is the number of its workers.
        deployment: other options of ``serve.deployment``.
        pool: other arguments of `Pool`, by name, such as ``uid``.

    Raises:
        ConfigError: the settings do not go together, or the target cannot be used.
        UnsupportedError: Ray Serve is not installed.
    """
    serve = installed()
    if num_replicas is not None and autoscaling is not None:
        raise ConfigError("the number of replicas is fixed or scaled: choose num_replicas or autoscaling")
    limits = limits or Limits()
    named = {
        "workers": workers,
        "isolation": Isolation.parse(isolation).value,
        "network": Network.parse(network).value,
    }
    settings = Settings(
        target=_located(target),
        warmup=list(warmup),
        env=dict(env or {}),
        protocol=protocol,
        domain_header=domain_header,
        trust_local_callers=trust_local_callers,
        limits=limits,
        pool={**pool, **named},
    )
    settings.new_pool()  # checked here, where somebody waits for the error: it is not started
    scale: dict[str, Any] = {"num_replicas": num_replicas or 1}
    if autoscaling is not None:
        scale = {"autoscaling_config": {"target_ongoing_requests": _LOAD * workers, **autoscaling}}
    options = {
        "name": name,
        "user_config": {},  # no changes; without one, a replica would not be told to start
        "max_ongoing_requests": workers + ahead,
        "max_queued_requests": max(1, limits.queue_length),
        "backpressure_config": {"status_code": 429, "retry_after_s": 1},
        "graceful_shutdown_timeout_s": limits.timeout_s + _ENDING_S,
        "graceful_shutdown_wait_loop_s": 0.5,
        "request_router_config": dict(_LOOKING_AGAIN),
        "health_check_period_s": _HEALTH_PERIOD_S,
        # A start with the wrong settings fails again: Ray's 20 times are minutes.
        "max_constructor_retry_count": 3,
        "logging_config": {"enable_access_log": False},  # of requests that went well nothing is logged
        "ray_actor_options": _actor_options(workers, ray_actor_options or {}),
        **scale,
        **(deployment or {}),
    }
    return serve.deployment(DeployedReplica, **options).bind(settings)


def configured(arguments: dict[str, Any]) -> Any:
    """Return `application` for a configuration of Serve that names no code of its own: its ``import_path``.

    Args:
        arguments: those of `application`, by name; the members of ``limits`` likewise.
    """
    limits = Limits(**arguments.get("limits", {}))
    return application(**{**arguments, "limits": limits})


def _actor_options(workers: int, options: Mapping[str, Any]) -> dict[str, Any]:
    runtime_env = options.get("runtime_env", {})
    env = {**_NO_FORK_HANDLERS, **runtime_env.get("env_vars", {})}
    return {"num_cpus": workers, **options, "runtime_env": {**runtime_env, "env_vars": env}}


def installed() -> Any:
    """Return Ray Serve: an optional dependency, a second of every start that does not need it.

    Raises:
        UnsupportedError: it is not installed.
    """
    try:
        from ray import serve
    except ImportError as error:
        raise UnsupportedError(
            f"Ray Serve is not installed ({error}): pip install 'groundhog-faas[ray]', on every node"
        ) from None
    return serve


def _located(target: str | os.PathLike[str] | Sequence[str]) -> str | list[str]:
    """The target as replicas find it."""
    if not isinstance(target, (str, os.PathLike)):
        return list(target)
    path = os.fspath(target)
    # The colon of an entry stays where it is.
    return path if _has_working_dir() else str(Path(path).absolute())


def _has_working_dir() -> bool:
    """Whether Ray is to give replicas a working directory of the driver's."""
    import ray

    return bool(ray.is_initialized() and ray.get_runtime_context().runtime_env.get("working_dir"))
