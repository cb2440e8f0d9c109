"""Replicas of Ray Serve, as far as they need no Ray: settings, changes of them, health, metrics."""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from starlette.requests import Request

from groundhog._log import log
from groundhog.config import Limits, Timings
from groundhog.errors import ConfigError, InitError, InvalidRequestError, PoolClosedError, UnsupportedError
from groundhog.platforms import ray_replica
from groundhog.platforms.ray_metrics import RayMetrics
from groundhog.platforms.ray_replica import Replica, Settings
from groundhog.platforms.ray_serve import application
from tests.framework.scripted_pool import Script, ScriptedPool

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

POOL = {"workers": 1, "isolation": "request", "network": "none"}


class Measured:
    """Stands for one of Ray's metrics."""

    def __init__(self, name: str, description: str = "", _: Any = None) -> None:
        assert description
        self.name = name
        self.values: dict[str, float] = {}
        KNOWN[name] = self

    def inc(self, value: float = 1.0, tags: dict[str, str] | None = None) -> None:
        self.set(self.values.get(_label(tags), 0.0) + value, tags)

    observe = inc

    def set(self, value: float, tags: dict[str, str] | None = None) -> None:
        self.values[_label(tags)] = value


KNOWN: dict[str, Measured] = {}


def _label(tags: dict[str, str] | None) -> str:
    return next(iter((tags or {}).values()), "")


class FakeMetrics:
    """Stands for ``ray.serve.metrics``."""

    Counter = Gauge = Histogram = Measured


@pytest.fixture
def handler(source: Callable[[str, str], Path]) -> str:
    return str(source("handler.py", "def main(params): return params\n"))


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> list[Script]:
    """Of the pools that a replica is to make, one after another; one that is used is taken out."""
    scripts = [Script() for _ in range(3)]

    class Scripted(ScriptedPool):
        limits = Limits()

        def __init__(self, _: Settings, __: object = None) -> None:
            super().__init__(scripts.pop(0))

        @property
        def start_error(self) -> Any:
            return self.script.start_error

        async def invoke(
            self, params: Any, domain: Any = None, timeout: Any = None, context: Any = None
        ) -> Any:
            return await self.submit(params, domain, timeout, context).future

    monkeypatch.setattr(Settings, "new_pool", Scripted)
    return scripts


class Routed:
    """What Ray would do with the domains that a replica tells it."""

    def __init__(self) -> None:
        self.noted: list[tuple[int, str]] = []
        self.model_id = ""

    def keep_near(self, workers: int) -> Callable[[str], Awaitable[object]]:
        async def note(domain: str) -> None:
            self.noted.append((workers, domain))

        return note

    def replica(self, settings: Settings) -> Replica:
        return Replica(settings, RayMetrics(FakeMetrics), self.keep_near, lambda: self.model_id)  # type: ignore[arg-type]


def request(headers: dict[str, str] | None = None, body: bytes = b"{}") -> Request:
    sent = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
    scope = {"type": "http", "method": "POST", "path": "/fn/", "root_path": "/fn", "headers": sent}

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    return Request({**scope, "query_string": b""}, receive)


async def answer(replica: Replica, asked: Request) -> tuple[int, bytes]:
    messages: list[Any] = []

    async def send(message: Any) -> None:
        messages.append(message)

    await (await replica(asked))(asked.scope, asked.receive, send)
    return messages[0]["status"], messages[1]["body"]


def test_without_ray_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch, handler: str) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UnsupportedError) as raised:
        application(handler)
    assert str(raised.value) == (
        "Ray Serve is not installed (import of ray halted; None in sys.modules): pip install"
        " 'groundhog-faas[ray]', on every node"
    )


def test_a_function_does_not_get_the_variables_of_ray(monkeypatch: pytest.MonkeyPatch, handler: str) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN", "secret")
    monkeypatch.setenv("THEIRS", "1")
    function = Settings(handler, env={"OURS": "2"}, pool=POOL).function()
    assert not function.inherit_env
    assert (function.env["THEIRS"], function.env["OURS"]) == ("1", "2")
    assert "RAY_AUTH_TOKEN" not in function.env


def test_settings_that_do_not_go_together(handler: str) -> None:
    domains = {**POOL, "isolation": "domain", "network": "host"}
    with pytest.raises(ConfigError) as raised:
        Settings(handler, pool=domains).new_pool()
    assert str(raised.value) == (
        "with isolation by domain, a function that reaches the network could ask Serve in another domain's"
        " name: choose network none, or trust_local_callers if something else prevents it"
    )
    Settings(handler, pool=domains, trust_local_callers=True).new_pool()
    with pytest.raises(ConfigError) as raised:
        Settings(["true"], protocol="http", pool=POOL).new_pool()
    assert str(raised.value) == (
        "a server of HTTP cannot be a replica's function, which is called with JSON: serve it by"
        " groundhog serve --protocol http"
    )


def test_changes_keep_what_they_do_not_name(handler: str) -> None:
    settings = Settings(handler, warmup=[{}], limits=Limits(timeout_s=5, tasks=7), pool=POOL)
    changed = settings.changed({"limits": {"timeout_s": 9}, "workers": 2, "env": {"VERSION": "2"}})
    assert changed.limits == Limits(timeout_s=9, tasks=7)
    assert changed.pool == {**POOL, "workers": 2}
    assert (changed.target, changed.warmup, changed.env) == (handler, [{}], {"VERSION": "2"})
    with pytest.raises(ConfigError) as raised:
        settings.changed({"worker": 2, "limits": {"time": 1}, "observer": None})
    assert str(raised.value) == "unknown settings of a replica: limits.time, observer, worker"


async def test_a_replica_serves_once_it_has_settings(handler: str, scripts: list[Script]) -> None:
    script = scripts[0]
    script.answer = lambda params: {"got": params}
    replica = Routed().replica(Settings(handler, domain_header="X-Tenant", pool=POOL))
    with pytest.raises(PoolClosedError):
        await replica(request())
    await replica.check_health()  # it has not failed
    await replica.reconfigure({})
    assert await answer(replica, request({"X-Tenant": "a"}, b'{"n":1}')) == (200, b'{"got": {"n": 1}}')
    assert script.invocations[0].domain == "a"
    assert KNOWN["groundhog_answers"].values == {"200": 1.0}


async def test_the_model_id_may_only_repeat_a_trusted_header(handler: str, scripts: list[Script]) -> None:
    replica = Routed().replica(Settings(handler, domain_header="X-Tenant", pool=POOL))
    script = scripts[0]
    await replica.reconfigure({})
    same = {"X-Tenant": "a", "serve_multiplexed_model_id": "a"}
    assert (await answer(replica, request(same)))[0] == 200
    assert script.invocations[-1].domain == "a"
    for wrong in ({**same, "serve_multiplexed_model_id": "b"}, {"serve_multiplexed_model_id": "b"}):
        status, body = await answer(replica, request(wrong))
        assert status == 400
        assert body == (
            b'{"error":"the header serve_multiplexed_model_id names another trust domain than the header'
            b' X-Tenant: send one of them"}'
        )
    assert len(script.invocations) == 1


async def test_the_model_id_is_the_domain_where_there_is_no_header(
    handler: str, scripts: list[Script]
) -> None:
    routed = Routed()
    replica = routed.replica(Settings(handler, pool={**POOL, "isolation": "domain", "workers": 3}))
    script = scripts[0]
    await replica.reconfigure({})
    await answer(replica, request({"serve-multiplexed-model-id": "a"}))
    await answer(replica, request())
    assert [made.domain for made in script.invocations] == ["a", None]
    assert routed.noted == [(3, "a")]  # and nothing of who has none


async def test_handles_name_a_domain_by_argument_or_model_id(handler: str, scripts: list[Script]) -> None:
    routed = Routed()
    replica = routed.replica(Settings(handler, pool=POOL))
    script = scripts[0]
    await replica.reconfigure({})
    assert await replica.invoke({"n": 1}, domain="a") == {"n": 1}
    routed.model_id = "b"
    await replica.invoke({})
    await replica.invoke({}, domain="b")
    assert [made.domain for made in script.invocations] == ["a", "b", "b"]
    with pytest.raises(InvalidRequestError) as raised:
        await replica.invoke({}, domain="a")
    assert str(raised.value) == "two trust domains: 'a', and the model id 'b'"


async def test_other_settings_replace_the_pool_and_end_the_old_one(
    handler: str, scripts: list[Script]
) -> None:
    first, second, third = scripts
    replica = Routed().replica(Settings(handler, pool=POOL))
    await replica.reconfigure({})
    await replica.reconfigure({})  # a change of other replicas' number
    assert scripts == [second, third]
    await replica.reconfigure({"env": {"VERSION": "2"}})
    await replica.invoke({})
    assert (first.served, second.served) == (0, 1)
    third.start_error = InitError("it does not load")
    with pytest.raises(InitError):
        await replica.reconfigure({"env": {"VERSION": "3"}})
    await replica.invoke({})
    assert second.served == 2
    await replica.close()
    assert (first.closed, second.closed) == (True, True)
    with pytest.raises(PoolClosedError):
        await replica.invoke({})


async def test_a_replica_is_ill_when_no_process_starts(handler: str, scripts: list[Script]) -> None:
    script = scripts[0]
    replica = Routed().replica(Settings(handler, pool=POOL))
    await replica.reconfigure({})
    await replica.check_health()
    script.ready = False
    await replica.check_health()  # one is being started
    script.start_error = InitError("it does not load")
    with pytest.raises(RuntimeError) as raised:
        await replica.check_health()
    assert str(raised.value) == "no process of hello starts: it does not load"
    script.ready = True
    await replica.check_health()  # one is alive


def test_metrics_have_the_names_of_those_of_a_server() -> None:
    metrics = RayMetrics(FakeMetrics)  # type: ignore[arg-type]
    metrics.on_request("ok", Timings(0.5, 0.25))
    metrics.on_request("ProtocolError", Timings(0.0, 0.25))
    metrics.on_retire("fd-changed", "of no interest")
    script = Script()
    metrics.show(ScriptedPool(script).stats())
    assert KNOWN["groundhog_requests"].values == {"ok": 1.0, "ProtocolError": 1.0}
    assert KNOWN["groundhog_queue_seconds"].values == {"": 0.5}
    assert KNOWN["groundhog_request_seconds"].values == {"": 0.5}
    assert KNOWN["groundhog_retirements"].values == {"fd-changed": 1.0}
    assert KNOWN["groundhog_workers"].values == {"clean": 2, "restoring": 1}
    assert KNOWN["groundhog_queue_length"].values == {"": 7}
    assert KNOWN["groundhog_snapshot_bytes"].values == {"": 4096}


def test_what_requests_print_is_left_out_of_a_log_that_they_can_read(
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = structlog.get_config()
    logger = logging.getLogger("groundhog")
    kept = (logger.handlers, logger.propagate, logger.level)
    try:
        for quiet in (True, False):
            ray_replica._log_to_stderr(quiet=quiet)
            log.info("request", stdout="printed", outcome="ok")
            said = capsys.readouterr().err
            assert '"outcome": "ok"' in said
            assert ("printed" in said) is not quiet
    finally:
        structlog.configure(**before)
        logger.handlers, logger.propagate = kept[:2]
        logger.setLevel(kept[2])


def test_pools_end_their_requests_first() -> None:
    order = []

    class Watched(ScriptedPool):
        limits = Limits(timeout_s=3)

        async def drain(self, timeout: float) -> bool:
            order.append(("drain", timeout))
            return True

        async def aclose(self) -> None:
            order.append(("close", 0))

    asyncio.run(ray_replica._end(Watched(Script())))
    assert order == [("drain", 24.0), ("close", 0)]  # seven wait, each for up to three seconds
