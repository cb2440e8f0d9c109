"""Pools whose processes run hooks right after a restore, before anybody asks."""

from __future__ import annotations

import asyncio
import re
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from groundhog import Limits, Pool
from groundhog.errors import ConfigError, InitError
from groundhog.testing import FakeEngine
from tests.unit.core.scripts import FUNCTION, Gate, Recorder

if TYPE_CHECKING:
    from groundhog.testing import Call

pytestmark = pytest.mark.usefixtures("no_leaks")


def hooked(call: Call) -> None:
    """Put its mark where a restore removes it."""
    call.state["hooks"] = call.state.get("hooks", 0) + 1
    call.print("of a hook")


def tell(_: Any, call: Call) -> dict[str, Any]:
    call.print("of the function")
    return {"hooks": call.state.get("hooks", 0)}


def sturdy(_: Any, call: Call) -> dict[str, Any]:
    return {"connected": call.use_connection()}


def hang(call: Call) -> None:
    call.killed.wait()
    call.exit(1)


async def until_clean(pool: Pool) -> None:
    while pool.next_pid is None:  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0.001)


@pytest.mark.parametrize("hooks", ["lazy", "eager"])
@pytest.mark.parametrize("waits", [False, True])
async def test_each_request_sees_them_run_once(hooks: str, *, waits: bool) -> None:
    engine = FakeEngine(tell, hooks=hooked)
    async with Pool(FUNCTION, hooks=hooks, engine=engine) as pool:
        for _ in range(5):
            reply = await pool.invoke({})
            assert reply.value == {"hooks": 1}
            assert reply.stdout == "of a hook\nof the function\n", "what they print is the request's"
            if waits:
                await until_clean(pool)
        assert pool.stats().retirements == {}


async def test_what_they_print_for_the_first_request_is_not_of_the_start() -> None:
    async with Pool(FUNCTION, hooks="eager", engine=FakeEngine(tell, hooks=hooked)) as pool:
        assert pool.start_output[0].count("of a hook") == 8, "of the rehearsal"
        assert (await pool.invoke({})).stdout == "of a hook\nof the function\n"


async def test_nobody_waits_for_eager_ones() -> None:
    gate = Gate()
    engine = FakeEngine(tell, hooks=hooked)
    async with Pool(FUNCTION, hooks="eager", engine=engine) as pool:
        engine.hooks = partial(gate, None)
        assert (await pool.invoke({})).value == {"hooks": 1}, "of before"
        await gate.entered()  # those for the next one
        gate.release.release()
        await until_clean(pool)
        assert (await pool.invoke({})).value == {"hooks": 0}, "answered though the next ones wait"
        await gate.entered()
        gate.release.release()


async def test_a_request_waits_for_lazy_ones() -> None:
    gate = Gate()
    engine = FakeEngine(tell, hooks=hooked)
    async with Pool(FUNCTION, engine=engine) as pool:
        engine.hooks = partial(gate, None)
        invocation = asyncio.create_task(pool.invoke({}))
        await gate.entered()
        assert not invocation.done()
        gate.release.release()
        await invocation


async def test_a_request_that_comes_meanwhile_waits_for_them() -> None:
    gate = Gate()
    engine = FakeEngine(tell, hooks=hooked)
    async with Pool(FUNCTION, hooks="eager", engine=engine) as pool:
        engine.hooks = partial(gate, None)
        await pool.invoke({})
        await gate.entered()
        assert pool.stats().workers == {"hooking": 1}
        assert pool.ready
        invocation = asyncio.create_task(pool.invoke({}))
        await asyncio.sleep(0)
        assert pool.stats().queue_length == 1
        gate.release.release()
        assert (await invocation).value == {"hooks": 0}
        gate.release.release()


async def test_one_that_fails_costs_the_process_and_no_request() -> None:
    engine, recorder = FakeEngine(tell, hooks=hooked), Recorder()
    async with Pool(FUNCTION, hooks="eager", engine=engine, observer=recorder) as pool:
        engine.fail("hook-fails")
        assert (await pool.invoke({})).value == {"hooks": 1}
        await recorder.until(lambda: bool(recorder.retired))
        assert (await pool.invoke({})).value == {"hooks": 1}
    assert recorder.retired == [
        ("hook-failed", "a hook after the restore failed: ValueError: no credentials")
    ]
    assert recorder.outcomes == ["ok", "ok"]


async def test_one_that_never_ends_costs_the_process_and_no_request() -> None:
    engine, recorder = FakeEngine(tell, hooks=hooked), Recorder()
    limits = Limits(hooks_timeout_s=0.05)
    async with Pool(FUNCTION, hooks="eager", limits=limits, engine=engine, observer=recorder) as pool:
        engine.hooks = hang
        await pool.invoke({})
        await recorder.until(lambda: bool(recorder.retired))
        engine.hooks = hooked
        assert (await pool.invoke({})).value == {"hooks": 1}
    reason, message = recorder.retired[0]
    assert reason == "hooks-timeout"
    assert re.fullmatch(
        r"the function's hooks after the restore took longer than 0\.05 s \(Limits\.hooks_timeout_s\);"
        r" process \d+ was killed",
        message,
    )


async def test_a_process_that_ends_in_them_is_replaced() -> None:
    engine, recorder = FakeEngine(tell, hooks=hooked), Recorder()
    async with Pool(FUNCTION, hooks="eager", engine=engine, observer=recorder) as pool:
        engine.hooks = lambda call: call.exit(3)
        await pool.invoke({})
        await recorder.until(lambda: bool(recorder.retired))
        engine.hooks = hooked
        assert (await pool.invoke({})).value == {"hooks": 1}
    assert recorder.retired[0][0] == "exited"


async def test_one_that_always_fails_keeps_the_function_from_starting() -> None:
    engine = FakeEngine(tell, hooks=hooked)
    engine.fail("hook-fails")
    with pytest.raises(InitError, match="a hook after the restore failed: ValueError: no credentials"):
        await Pool(FUNCTION, hooks="eager", engine=engine).start()
    assert engine.alive == 0


@pytest.mark.parametrize("control", [True, False])
async def test_a_function_without_hooks_is_sent_nothing(*, control: bool) -> None:
    engine = FakeEngine(tell, control=control)
    async with Pool(FUNCTION, hooks="eager", engine=engine) as pool:
        assert [(await pool.invoke({})).value for _ in range(3)] == [{"hooks": 0}] * 3


async def test_without_isolation_none_run_ahead() -> None:
    engine = FakeEngine(tell, hooks=hooked)
    async with Pool(FUNCTION, isolation="off", hooks="eager", engine=engine) as pool:
        assert [(await pool.invoke({})).value for _ in range(3)] == [{"hooks": 0}] * 3


async def test_a_domain_that_is_served_again_has_no_restore_and_no_hooks() -> None:
    engine = FakeEngine(tell, hooks=hooked)
    limits = Limits(domain_idle_s=60)
    async with Pool(FUNCTION, isolation="domain", hooks="eager", limits=limits, engine=engine) as pool:
        replies = [await pool.invoke({}, domain=domain) for domain in "aabba"]
    assert {reply.value["hooks"] for reply in replies} == {1}
    assert ["of a hook" in reply.stdout for reply in replies] == [True, False, True, False, True]


async def test_a_process_that_is_to_be_replaced_runs_none() -> None:
    ran: list[int] = []
    engine, recorder = FakeEngine(sturdy, hooks=lambda call: ran.append(call._process.pid)), Recorder()
    async with Pool(FUNCTION, hooks="eager", connections="replace", engine=engine, observer=recorder) as pool:
        used = engine.processes[0].pid
        before = ran.count(used)
        await pool.invoke({})
        await recorder.until(lambda: bool(recorder.retired))
        assert (recorder.retired[0][0], ran.count(used)) == ("connections-used", before)


def test_an_unknown_time_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"^unknown time of hooks 'now': choose one of lazy, eager$"):
        Pool(FUNCTION, hooks="now")
