"""Pools whose processes have hooks that run after each response, before the restore."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from groundhog import Limits, Pool
from groundhog.testing import FakeEngine, FakeReport, process
from tests.unit.core.scripts import FUNCTION, Gate, Recorder

if TYPE_CHECKING:
    from groundhog.testing import Call

pytestmark = pytest.mark.usefixtures("no_leaks")


def queue(params: Any, call: Call) -> dict[str, Any]:
    """Leave what it is asked for to the hook."""
    call.state.setdefault("queue", []).append(params)
    return {"queued": len(call.state["queue"])}


class Sent:
    """What hooks have found in the queue."""

    def __init__(self) -> None:
        self.items: list[Any] = []

    def __call__(self, call: Call) -> None:
        call.print("of a hook")
        self.items += call.state.get("queue", [])


def hang(call: Call) -> None:
    call.print("waiting for a collector")
    call.killed.wait()
    call.exit(1)


async def test_they_see_what_the_request_left_and_no_later_one_does() -> None:
    sent = Sent()
    async with Pool(FUNCTION, engine=FakeEngine(queue, finish=sent)) as pool:
        replies = [await pool.invoke(number) for number in range(5)]
        assert [(reply.value, reply.stdout) for reply in replies] == [({"queued": 1}, "")] * 5
        assert pool.stats().retirements == {}
    assert sent.items == list(range(5)), "also of the last one: the end of the pool waits for it"


async def test_no_caller_waits_for_them_but_the_next_one() -> None:
    gate = Gate()
    engine = FakeEngine(queue, finish=Sent())
    async with Pool(FUNCTION, engine=engine) as pool:
        engine.finish = lambda call: str(gate(None, call) and "")
        assert (await pool.invoke(1)).value == {"queued": 1}
        await gate.entered()
        assert pool.stats().workers == {"finishing": 1}
        assert pool.ready
        later = asyncio.create_task(pool.invoke(2))
        await asyncio.sleep(0)
        assert pool.stats().queue_length == 1
        gate.release.release()
        assert (await later).value == {"queued": 1}
        gate.release.release()


async def test_one_that_fails_is_told_to_the_log_and_costs_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    engine = FakeEngine(queue, finish=Sent())
    async with Pool(FUNCTION, engine=engine) as pool:
        engine.finish = lambda _: "ValueError: no network"
        assert [(await pool.invoke(number)).value for number in range(3)] == [{"queued": 1}] * 3
        assert pool.stats().retirements == {}
    assert caplog.text.count("a hook before a restore failed") == 3
    assert "ValueError: no network" in caplog.text


async def test_one_that_fails_in_the_rehearsal_keeps_no_function_from_starting(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Whoever takes events may be gone for a while: that must not take the function with it."""
    engine = FakeEngine(queue, finish=lambda _: "ValueError: no network")
    async with Pool(FUNCTION, engine=engine):
        assert "ValueError: no network" in caplog.text


def leave(call: Call) -> None:
    call.print("waiting for a collector")
    call.exit(1)


@pytest.mark.parametrize("end", [hang, leave])
async def test_one_that_never_ends_or_ends_the_process_costs_that_and_no_request(
    end: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    engine, recorder = FakeEngine(queue, finish=Sent()), Recorder()
    limits = Limits(hooks_timeout_s=0.05)
    async with Pool(FUNCTION, limits=limits, engine=engine, observer=recorder) as pool:
        engine.finish = end
        assert (await pool.invoke(1)).value == {"queued": 1}
        await recorder.until(lambda: bool(recorder.retired))
        engine.finish = Sent()
        assert (await pool.invoke(2)).value == {"queued": 1}
    ((reason, message),) = recorder.retired
    assert reason == ("hooks-timeout" if end is hang else "exited")
    if end is hang:
        assert message.startswith("the function's hooks before a restore took longer than 0.05 s")
    assert recorder.outcomes == ["ok", "ok"]
    assert caplog.text.count("waiting for a collector") == 1, "what tells why must not be lost"


async def test_a_kept_domain_has_them_before_its_restore_alone() -> None:
    sent = Sent()
    engine = FakeEngine(queue, finish=sent)
    async with Pool(FUNCTION, isolation="domain", limits=Limits(domain_idle_s=60), engine=engine) as pool:
        counts = [(await pool.invoke(name + str(at), domain=name)).value for name in "ab" for at in range(2)]
        assert sent.items == ["a0", "a1"]
    assert [count["queued"] for count in counts] == [1, 2, 1, 2]
    assert sent.items == ["a0", "a1", "b0", "b1"], "also what was kept when the pool ended"


async def test_without_isolation_there_is_no_restore_and_none_runs() -> None:
    sent = Sent()
    async with Pool(FUNCTION, isolation="off", engine=FakeEngine(queue, finish=sent)) as pool:
        first, second = [(await pool.invoke(number)).value["queued"] for number in range(2)]
    assert second == first + 1
    assert sent.items == []


async def test_what_gives_way_to_a_better_one_has_them_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that is kept for a domain, and superseded meanwhile."""
    monkeypatch.setattr(process, "FakeReport", partial(FakeReport, layout_calls=9))
    sent, recorder = Sent(), Recorder()
    limits = Limits(domain_idle_s=60)
    engine = FakeEngine(queue, finish=sent)
    async with Pool(FUNCTION, isolation="domain", limits=limits, engine=engine, observer=recorder) as pool:
        for number in range(9):
            await pool.invoke(number, domain=str(number))
        await recorder.until(lambda: bool(recorder.retired))
        assert {reason for reason, _ in recorder.retired} == {"superseded"}
        assert sent.items == list(range(9))
