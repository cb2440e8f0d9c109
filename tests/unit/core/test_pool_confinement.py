"""What a pool was asked to shut its functions in by is applied, or it is an error before any process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import structlog.testing

from groundhog import ConfigError, Pool, SpawnError, UnsupportedError
from groundhog.testing import FakeEngine
from tests.unit.core.scripts import FUNCTION, count

if TYPE_CHECKING:
    from groundhog.worker.engine import Process

NAMESPACE = {"namespace": None, "landlock": None}
WORKS = {"jails": NAMESPACE, "networks": {"host": None, "none": None}, "preferred_jail": "namespace"}


class Spy:
    """An engine of somebody's own, which says nothing about itself."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def spawn(self, argv: Any, **options: Any) -> Process:
        self.asked.append(options)
        raise SpawnError(f"{argv[0]} is not started by a test")


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the machine allows, to be changed."""
    found: dict[str, Any] = dict(WORKS)
    monkeypatch.setattr("groundhog.jail.machine", lambda: found)
    return found


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize(
    ("options", "passed"),
    [
        ({}, {"jail": "namespace", "network": "host"}),
        ({"jail": "namespace"}, {"jail": "namespace", "network": "host"}),
        ({"network": "none"}, {"jail": "namespace", "network": "none"}),
        ({"jail": "landlock"}, {"jail": "landlock"}),
        ({"jail": "none"}, {}),
    ],
)
async def test_every_engine_is_told_of_the_jail(options: dict[str, str], passed: dict[str, str]) -> None:
    """Unless it says that it makes none: what is not known of an engine must not let a function out."""
    spy = Spy()
    with pytest.raises(SpawnError):
        await Pool(FUNCTION, engine=spy, **options).start()  # type: ignore[arg-type]
    (asked,) = spy.asked
    assert {name: asked[name] for name in ("jail", "network") if name in asked} == passed


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"jail": "namespace"}, "jail namespace"),
        ({"jail": "landlock"}, "jail landlock"),
        ({"network": "none"}, "network none"),
        ({"uid": 65534}, "uid 65534"),
        ({"jail": "namespace", "network": "none", "uid": 65534}, "jail namespace, network none, uid 65534"),
    ],
)
def test_an_engine_that_makes_no_jails_is_asked_for_none(options: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigError, match=f"^the engine FakeEngine does not apply {named}: leave that out"):
        Pool(FUNCTION, engine=FakeEngine(count), **options)


async def test_what_such_an_engine_does_not_do_is_logged() -> None:
    with structlog.testing.capture_logs() as logs:
        async with Pool(FUNCTION, engine=FakeEngine(count)):
            pass
    (told,) = [log for log in logs if log["log_level"] == "warning"]
    assert told["event"] == "its engine shuts no function in: it is for tests"
    assert told["engine"] == "FakeEngine"


async def test_nothing_is_started_where_it_cannot_be_applied(machine: dict[str, Any]) -> None:
    machine["networks"] = {"host": None, "none": "network-namespace: refused"}
    spy = Spy()
    with pytest.raises(UnsupportedError, match="network-namespace: refused"):
        await Pool(FUNCTION, engine=spy, network="none").start()
    assert spy.asked == []


async def test_a_lesser_jail_does_not_take_the_place_of_the_better_in_silence(
    machine: dict[str, Any],
) -> None:
    machine.update(jails={"namespace": "namespaces: refused", "landlock": None}, preferred_jail="landlock")
    with structlog.testing.capture_logs() as logs, pytest.raises(SpawnError):
        await Pool(FUNCTION, engine=Spy()).start()
    (told,) = [log for log in logs if log["log_level"] == "warning"]
    assert told["event"].startswith("the jail namespace does not work here: functions get the jail landlock")
    assert told["why"] == "namespaces: refused"
