"""Pools whose processes lose connections: who is replaced, and by whom."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest

import groundhog
from groundhog import Function, Pool
from groundhog.testing import FakeEngine
from tests.unit.core.scripts import Gate, Recorder, count

if TYPE_CHECKING:
    from groundhog.testing import Call

pytestmark = pytest.mark.usefixtures("no_leaks")

GONE = "the server closed the connection"


def fragile(params: Any, call: Call) -> dict[str, Any]:
    """Needs the connection that it opened when it loaded, unless told otherwise."""
    if (params or {}).get("use", True) and not call.use_connection():
        return {"error": GONE}
    return count(params, call)


def sturdy(params: Any, call: Call) -> dict[str, Any]:
    """Connects again where it has to."""
    call.use_connection()
    return count(params, call)


def function(*warmup: Any) -> Function:
    return Function.from_command(["true"], warmup=warmup, ack="require")


async def settled(pool: Pool, processes: int) -> None:
    """Until so many processes are clean, and no other is there."""
    while pool.stats().workers != {"clean": processes}:  # noqa: ASYNC110 - not all of it is an event
        await asyncio.sleep(0.001)


async def test_shut_is_what_breaks_such_a_function() -> None:
    async with Pool(function(), connections="shut", engine=FakeEngine(fragile)) as pool:
        values = [(await pool.invoke({})).value for _ in range(3)]
        assert values[0]["n"] == 1
        assert values[1:] == [{"error": GONE}] * 2
        assert pool.stats().retirements == {}


@pytest.mark.parametrize("warmup", [[], [{}], [{}, {}], [{"use": False}]])
async def test_right_answers_whatever_the_warm_up_shows(warmup: list[Any]) -> None:
    engine, recorder = FakeEngine(fragile), Recorder()
    async with Pool(function(*warmup), engine=engine, observer=recorder) as pool:
        values = [(await pool.invoke({})).value["n"] for _ in range(10)]
        assert values == [1 + len(warmup)] * 10
        await recorder.until(lambda: len(recorder.reports) == 10)
        assert pool.stats().retirements.keys() == {"connections-used"}
        assert "Processes are replaced" in pool.stats().connections
    assert engine.alive == 0


@pytest.mark.parametrize(("warmup", "spoilt"), [([{}], 1), ([{"use": False}], 0), ([], 0)])
async def test_the_rehearsal_costs_one_process_and_no_start(warmup: list[Any], spoilt: int) -> None:
    engine, recorder = FakeEngine(fragile), Recorder()
    async with Pool(function(*warmup), engine=engine, observer=recorder) as pool:
        await settled(pool, 1 + spoilt)  # a spare, where it is known already
        assert (
            recorder.retired
            == [
                (
                    "connections-used",
                    f"with its connections shut down, warm-up request 1 failed ({GONE})",
                )
            ]
            * spoilt
        )
        assert len(engine.processes) == 1 + 2 * spoilt
        assert pool.start_error is None


async def test_a_function_that_connects_again_keeps_its_process() -> None:
    engine = FakeEngine(sturdy)
    async with Pool(function({}), engine=engine) as pool:
        assert [(await pool.invoke({})).value["n"] for _ in range(5)] == [2] * 5
        assert pool.stats().retirements == {}
        assert "serve on: the warm-up was answered as well without them" in pool.stats().connections
    assert len(engine.processes) == 1


@pytest.mark.parametrize("warmup", [[], [{}]])
async def test_one_whose_hooks_before_a_restore_need_the_connection_is_replaced(warmup: list[Any]) -> None:
    """Else none of its later requests would have its events sent."""
    sent = []

    def send(call: Call) -> str:
        if not call.use_connection():
            return GONE
        sent.append(call.state.get("n"))
        return ""

    async with Pool(function(*warmup), engine=FakeEngine(count, finish=send)) as pool:
        await settled(pool, 2)
        sent.clear()
        for number in range(5):
            assert (await pool.invoke({})).value["n"] == 1 + len(warmup)
            while len(sent) <= number:  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(0.001)
        assert pool.stats().retirements.keys() == {"connections-used"}
        assert f"a hook before a restore failed ({GONE})" in pool.stats().connections


async def test_hooks_that_have_to_do_with_something_else_are_no_evidence() -> None:
    """A later request would find the connection at its end, or not, by what an earlier one did."""
    engine = FakeEngine(fragile, hooks=lambda call: call.state.update(seed=1))
    async with Pool(function(), engine=engine) as pool:
        assert [(await pool.invoke({})).value["n"] for _ in range(5)] == [1] * 5
        assert "Processes are replaced" in pool.stats().connections


@pytest.mark.parametrize("hooks", ["lazy", "eager"])
async def test_a_connection_that_a_hook_uses_costs_no_process(hooks: str) -> None:
    engine = FakeEngine(sturdy, hooks=lambda call: call.use_connection())
    async with Pool(function(), hooks=hooks, engine=engine) as pool:
        assert [(await pool.invoke({})).value["n"] for _ in range(5)] == [1] * 5
        assert pool.stats().retirements == {}
    assert len(engine.processes) == 1


async def test_an_answer_that_changes_is_evidence() -> None:
    def falls_back(_: Any, call: Call) -> dict[str, Any]:
        return {"from": "database" if call.use_connection() else "cache"}

    async with Pool(function({}), engine=FakeEngine(falls_back)) as pool:
        assert [(await pool.invoke({})).value["from"] for _ in range(5)] == ["database"] * 5
        assert "instead of" in pool.stats().connections


async def test_so_is_that_of_a_further_request_of_the_warm_up() -> None:
    """It is answered twice before a connection is shut, too."""

    def falls_back(params: Any, call: Call) -> dict[str, Any]:
        used = call.use_connection()
        return {"from": "database" if used or (params or {}).get("ping") else "cache"}

    async with Pool(function({"ping": True}, {}), engine=FakeEngine(falls_back)) as pool:
        assert [(await pool.invoke({})).value["from"] for _ in range(5)] == ["database"] * 5
        assert "warm-up request 2 was answered by" in pool.stats().connections


async def test_no_worker_comes_up_that_lost_its_connection_while_another_one_was_judged() -> None:
    """Its own hooks were called no more, as it was known by then that they need the connection."""
    calls = 0

    def send(call: Call) -> str:
        nonlocal calls
        calls += 1
        time.sleep(0.003 * (calls % 7))
        return "" if call.use_connection() else GONE

    async with Pool(function(), 4, engine=FakeEngine(fragile, finish=send)) as pool:
        assert [(await pool.invoke({})).value["n"] for _ in range(12)] == [1] * 12


async def test_a_process_that_ends_in_the_trial_is_evidence() -> None:
    def ends(params: Any, call: Call) -> dict[str, Any]:
        if not call.use_connection():
            call.exit(7)
        return count(params, call)

    async with Pool(function({}), engine=FakeEngine(ends)) as pool:
        assert [(await pool.invoke({})).value["n"] for _ in range(3)] == [2] * 3
        assert "warm-up request 1 failed (function process" in pool.stats().connections


@pytest.mark.parametrize("wait", [False, True])
async def test_so_is_one_that_ends_after_its_answer(*, wait: bool) -> None:
    """Before the restore, or in it: Node ends for an error that nobody handles, once its event loop turns."""
    engine = FakeEngine(restore_s=0.01 if wait else 0.0)

    def ends(params: Any, call: Call) -> dict[str, Any] | None:
        if call.use_connection():
            return count(params, call)
        call.write_answer(b"{}" + call.token + b"\n")
        call.exit(7)
        return None

    engine.function = ends
    async with Pool(function({}), engine=engine) as pool:
        assert [(await pool.invoke({})).value["n"] for _ in range(3)] == [2] * 3
        assert "warm-up request 1 failed" in pool.stats().connections
    assert engine.alive == 0


async def test_where_it_is_configured_a_warm_up_that_fails_then_is_no_matter() -> None:
    async with Pool(function({}), connections="shut", engine=FakeEngine(fragile)) as pool:
        assert (await pool.invoke({"use": False})).value["n"] == 2
        assert pool.stats().retirements == {}


async def test_a_replaced_process_has_its_successor_ready() -> None:
    """It serves while the other one is reverted and ended."""
    engine, recorder = FakeEngine(fragile), Recorder()
    async with Pool(function(), connections="replace", engine=engine, observer=recorder) as pool:
        await settled(pool, 2)
        first, second = [process.pid for process in engine.processes]
        assert pool.next_pid == first
        engine.restore_s = 60  # from now on nothing is reverted while this test runs
        assert (await pool.invoke({})).value["n"] == 1
        assert pool.next_pid == second
        assert (await pool.invoke({})).value["n"] == 1
        assert not recorder.reports
        engine.restore_s = 0


async def test_what_waits_goes_to_the_successor_at_the_answer() -> None:
    gate = Gate()
    engine = FakeEngine(gate)
    async with Pool(function(), connections="replace", engine=engine) as pool:
        await settled(pool, 2)
        engine.restore_s = 60
        tasks = [asyncio.create_task(pool.invoke(number)) for number in range(2)]
        for task in tasks:
            await gate.entered()
            gate.release.release()
            assert (await task).value["n"] == 1
        engine.restore_s = 0


async def test_spares_do_not_serve_beside_the_others() -> None:
    gate = Gate()
    async with Pool(function(), 2, connections="replace", engine=FakeEngine(gate)) as pool:
        await settled(pool, 4)
        tasks = [asyncio.create_task(pool.invoke(number)) for number in range(4)]
        await gate.entered()
        await gate.entered()
        assert pool.stats().queue_length == 2
        assert pool.stats().workers["running"] == 2
        for _ in tasks:
            gate.release.release()
        assert {reply.value["n"] for reply in await asyncio.gather(*tasks)} == {1}


async def test_only_requests_that_used_a_connection_cost_a_process() -> None:
    engine = FakeEngine(fragile)
    async with Pool(function(), engine=engine) as pool:
        for _ in range(5):
            await pool.invoke({"use": False})
        assert pool.stats().retirements == {}
        assert len(engine.processes) == 1
        assert pool.stats().connections == ""


async def test_several_workers_learn_it_together() -> None:
    engine = FakeEngine(fragile)
    async with Pool(function({}), 3, engine=engine) as pool:
        await settled(pool, 6)
        replies = await asyncio.gather(*(pool.invoke({}) for _ in range(30)))
        assert {reply.value["n"] for reply in replies} == {2}
        await settled(pool, 6)
    assert engine.alive == 0


async def test_without_isolation_nothing_is_replaced() -> None:
    engine = FakeEngine(fragile)
    async with Pool(function({}), isolation="off", connections="replace", engine=engine) as pool:
        assert [(await pool.invoke({})).value["n"] for _ in range(3)] == [2, 3, 4]
    assert len(engine.processes) == 1


async def test_a_domain_keeps_its_connection_until_another_comes() -> None:
    engine = FakeEngine(fragile)
    limits = groundhog.Limits(domain_idle_s=60)
    async with Pool(function(), isolation="domain", limits=limits, engine=engine) as pool:
        seen = [(await pool.invoke({}, domain=domain)).value["n"] for domain in "aaabba"]
        assert seen == [1, 2, 3, 1, 2, 1]
