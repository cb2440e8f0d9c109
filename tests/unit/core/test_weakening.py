"""What weakens the promise is reached from within this process alone, and is loud."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import structlog.testing

from groundhog import Function, Pool
from groundhog.runners import command_for
from groundhog.testing import FakeEngine, weakened
from groundhog.weakening import RESEEDING
from tests.unit.core.scripts import FUNCTION

if TYPE_CHECKING:
    from groundhog.testing import Call

pytestmark = pytest.mark.usefixtures("no_leaks")


def lines(_: Any, call: Call) -> dict[str, Any]:
    return {"fresh": call.token != b""}


async def fresh() -> bool:
    async with Pool(FUNCTION, engine=FakeEngine(lines)) as pool:
        reply = await pool.invoke({})
        return bool(reply.value["fresh"])


async def test_requests_carry_fresh_numbers_unless_a_test_says_otherwise() -> None:
    assert await fresh()
    with structlog.testing.capture_logs() as logs, weakened(RESEEDING):
        assert not await fresh()
    assert await fresh()
    told = [log for log in logs if log["log_level"] == "error"]
    assert [log["event"] for log in told] == [
        "ISOLATION IS WEAKENED BY A TEST: requests draw the same random numbers as others",
        "A FUNCTION PROCESS IS WEAKENED BY A TEST: requests draw the same random numbers as others",
    ]
    assert {log["left_out"] for log in told} == {RESEEDING}


@pytest.mark.parametrize("value", [RESEEDING, "openssl", "namespaces"])
async def test_the_environment_does_not_reach_it(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("GROUNDHOG_WITHOUT", value)
    assert await fresh()


@pytest.mark.parametrize("own", [{}, {"GROUNDHOG_WITHOUT": RESEEDING}])
def test_functions_do_not_get_the_variable(monkeypatch: pytest.MonkeyPatch, own: dict[str, str]) -> None:
    """Helpers of earlier versions that are copied into functions leave out seeds if they find it."""
    monkeypatch.setenv("GROUNDHOG_WITHOUT", RESEEDING)
    env = command_for(Function.from_command(["true"], env={"KEPT": "yes", **own})).env
    assert "GROUNDHOG_WITHOUT" not in env
    assert env["KEPT"] == "yes"


def test_only_what_there_is_can_be_left_out() -> None:
    with pytest.raises(ValueError, match="unknown part 'jail': choose one of reseeding"), weakened("jail"):
        pass
    with (
        weakened(RESEEDING),
        pytest.raises(ValueError, match="reseeding is left out already"),
        weakened(RESEEDING),
    ):
        pass
