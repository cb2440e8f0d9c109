"""Pools over scripted processes: order, isolation, queue. No process is traced."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest

import groundhog
from groundhog import Function, Limits, Pool
from groundhog.testing import FakeEngine
from tests.unit.core.scripts import FUNCTION, Gate, Recorder, count

if TYPE_CHECKING:
    from groundhog.testing import Call

pytestmark = pytest.mark.usefixtures("no_leaks")


class TestServing:
    async def test_each_answer_is_the_answer_to_a_first_request(self) -> None:
        async with Pool(FUNCTION, engine=FakeEngine(count)) as pool:
            for number in range(20):
                reply = await pool.invoke({"number": number})
                assert reply.value == {"n": 1, "params": {"number": number}}
                assert reply.raw == b'{"n": 1, "params": {"number": %d}}' % number

    async def test_logs_belong_to_their_request(self) -> None:
        def talk(params: Any, call: Call) -> dict[str, Any]:
            call.print(f"out {params}")
            call.print(f"err {params}", stderr=True)
            return {}

        async with Pool(FUNCTION, engine=FakeEngine(talk)) as pool:
            for number in range(5):
                reply = await pool.invoke(number)
                assert (reply.stdout, reply.stderr) == (f"out {number}\n", f"err {number}\n")

    async def test_timings(self) -> None:
        recorder = Recorder()
        async with Pool(FUNCTION, engine=FakeEngine(count), observer=recorder) as pool:
            first = await pool.invoke({})
            await recorder.until(lambda: len(recorder.reports) == 1)
            second = await pool.invoke({})
        assert first.timings.restore_s is None
        assert second.timings.restore_s == recorder.reports[0].duration
        assert first.timings.run_s > 0

    async def test_the_message(self) -> None:
        def message(_: Any, call: Call) -> dict[str, Any]:
            return call.message

        async with Pool(FUNCTION, engine=FakeEngine(message)) as pool:
            made_up = (await pool.invoke({"a": 1})).value
            assert made_up["value"] == {"a": 1}
            assert len(made_up["activation_id"]) == 32
            assert made_up["deadline"].isdigit()
            given = {"activation_id": "x", "deadline": "5", "namespace": "n"}
            assert (await pool.invoke({}, context=given)).value == {"value": {}, **given}

    async def test_order_is_kept(self) -> None:
        gate = Gate()
        async with Pool(FUNCTION, engine=FakeEngine(gate)) as pool:
            tasks = [asyncio.create_task(pool.invoke(number)) for number in range(50)]
            for _ in tasks:
                gate.release.release()
            await asyncio.gather(*tasks)
        assert gate.order == list(range(50))

    async def test_workers_work_at_the_same_time(self) -> None:
        gate = Gate()
        async with Pool(FUNCTION, workers=3, engine=FakeEngine(gate)) as pool:
            tasks = [asyncio.create_task(pool.invoke(number)) for number in range(3)]
            for _ in tasks:
                await gate.entered()
            assert pool.stats().workers == {"running": 3}
            for _ in tasks:
                gate.release.release()
            assert [reply.value["n"] for reply in await asyncio.gather(*tasks)] == [1, 1, 1]

    async def test_a_thousand_at_once_on_one_worker(self) -> None:
        async with Pool(FUNCTION, engine=FakeEngine(count)) as pool:
            replies = await asyncio.gather(*(pool.invoke(number) for number in range(1000)))
        assert [reply.value for reply in replies] == [{"n": 1, "params": number} for number in range(1000)]

    async def test_the_rehearsal_is_over_before_the_first_request(self) -> None:
        engine = FakeEngine(count)
        async with Pool(FUNCTION, engine=engine) as pool:
            assert engine.restores >= 8
            assert pool.stats().restores == 0

    async def test_warm_up_requests_are_part_of_the_snapshot(self) -> None:
        function = Function.from_command(["true"], warmup=[{}, {}], ack="require")
        async with Pool(function, engine=FakeEngine(count)) as pool:
            assert [(await pool.invoke({})).value["n"] for _ in range(3)] == [3, 3, 3]

    async def test_a_process_that_knows_no_control_lines_gets_none(self) -> None:
        async with Pool(FUNCTION, engine=FakeEngine(count, control=False)) as pool:
            assert (await pool.invoke({})).value["n"] == 1

    async def test_a_rehearsal_may_fail(self) -> None:
        """What it is for is the same whatever the function answers."""

        def once(_: Any, call: Call) -> dict[str, Any]:
            call.state["n"] = call.state.get("n", 0) + 1
            return {"error": "not again"} if call.state["n"] > 1 else {"n": 1}

        function = Function.from_command(["true"], warmup=[{}], ack="require")
        engine = FakeEngine(once)
        async with Pool(function, engine=engine) as pool:
            assert engine.restores >= 8
            assert (await pool.invoke({})).value == {"error": "not again"}

    async def test_verify_is_passed_on(self) -> None:
        recorder = Recorder()
        async with Pool(FUNCTION, verify=True, engine=FakeEngine(count), observer=recorder) as pool:
            await pool.invoke({})
            await recorder.until(lambda: bool(recorder.reports))
        assert recorder.reports[0].verified

    async def test_strategy_is_passed_on(self) -> None:
        engine = FakeEngine(count)
        async with Pool(FUNCTION, strategy="classic", engine=engine):
            assert engine.processes[0].strategy == "classic"

    @pytest.mark.parametrize("keep", [False, True])
    async def test_what_becomes_of_connections_is_passed_on(self, *, keep: bool) -> None:
        engine = FakeEngine(count)
        async with Pool(FUNCTION, keep_connections=keep, engine=engine):
            assert engine.processes[0].keeps_connections == keep


class TestDomains:
    async def test_a_domain_keeps_its_state_until_another_comes(self) -> None:
        engine = FakeEngine(count)
        limits = Limits(domain_idle_s=60)
        async with Pool(FUNCTION, isolation="domain", limits=limits, engine=engine) as pool:
            seen = [(await pool.invoke({}, domain=domain)).value["n"] for domain in "aaabba"]
        assert seen == [1, 2, 3, 1, 2, 1]

    @pytest.mark.parametrize("key", [None, ""], ids=["none", "empty"])
    async def test_no_key_is_a_domain_of_its_own(self, key: str | None) -> None:
        limits = Limits(domain_idle_s=60)
        async with Pool(FUNCTION, isolation="domain", limits=limits, engine=FakeEngine(count)) as pool:
            assert [(await pool.invoke({}, domain=key)).value["n"] for _ in range(3)] == [1, 1, 1]
            assert (await pool.invoke({}, domain="a")).value["n"] == 1
            assert (await pool.invoke({}, domain=key)).value["n"] == 1

    async def test_an_idle_worker_is_reverted_before_anybody_asks(self) -> None:
        recorder = Recorder()
        limits = Limits(domain_idle_s=0)
        pool = Pool(FUNCTION, isolation="domain", limits=limits, engine=FakeEngine(count), observer=recorder)
        async with pool:
            await pool.invoke({}, domain="a")
            await recorder.until(lambda: len(recorder.reports) == 1)
            assert pool.stats().workers == {"clean": 1}

    async def test_its_own_worker_is_preferred_then_a_clean_one(self) -> None:
        engine = FakeEngine(count)
        limits = Limits(domain_idle_s=60)
        async with Pool(FUNCTION, workers=2, isolation="domain", limits=limits, engine=engine) as pool:
            before = engine.restores
            seen = [(await pool.invoke({}, domain=domain)).value["n"] for domain in "abababab"]
            assert seen == [1, 1, 2, 2, 3, 3, 4, 4]
            assert engine.restores == before
            assert (await pool.invoke({}, domain="c")).value["n"] == 1
            assert engine.restores == before + 1

    async def test_late_bytes_never_answer_the_next_request(self) -> None:
        wrote = threading.Event()

        def late(_: Any, call: Call) -> None:
            try:
                call.write_answer(b'{"n":1}\n')
                call.write_answer(b'{"late":1}\n')
            finally:  # its process may have been retired meanwhile
                wrote.set()

        recorder = Recorder()
        limits = Limits(domain_idle_s=60)
        pool = Pool(FUNCTION, isolation="domain", limits=limits, engine=FakeEngine(late), observer=recorder)
        async with pool:
            for _ in range(3):
                wrote.clear()
                try:
                    assert (await pool.invoke({}, domain="a")).value == {"n": 1}
                except groundhog.ProtocolError:
                    continue  # both lines came at once
                await asyncio.to_thread(wrote.wait)
        assert {reason for reason, _ in recorder.retired} <= {"stray-answer", "protocol"}
        assert len(recorder.retired) >= 2


class TestOff:
    async def test_everything_is_seen(self) -> None:
        engine = FakeEngine(count)
        async with Pool(FUNCTION, isolation="off", engine=engine) as pool:
            assert [(await pool.invoke({})).value["n"] for _ in range(3)] == [1, 2, 3]
        assert engine.restores == 0
        assert not engine.processes[0].has_snapshot


class TestQueue:
    async def test_it_is_bounded(self) -> None:
        gate, recorder = Gate(), Recorder()
        limits = Limits(queue_length=2)
        async with Pool(FUNCTION, limits=limits, engine=FakeEngine(gate), observer=recorder) as pool:
            tasks = [asyncio.create_task(pool.invoke(number)) for number in range(3)]
            await gate.entered()
            assert pool.stats().queue_length == 2
            with pytest.raises(groundhog.OverloadedError, match="2 requests wait for true already"):
                await pool.invoke(3)
            for _ in tasks:
                gate.release.release()
            await asyncio.gather(*tasks)
        assert gate.order == [0, 1, 2]
        assert recorder.outcomes == ["OverloadedError", "ok", "ok", "ok"]

    async def test_no_domain_fills_it_for_others(self) -> None:
        gate, recorder = Gate(), Recorder()
        limits = Limits(queue_length=4)
        async with Pool(FUNCTION, limits=limits, engine=FakeEngine(gate), observer=recorder) as pool:
            jobs = [pool.submit(f"a{number}", "a") for number in range(5)]
            await gate.entered()
            jobs += [pool.submit("b0", "b"), pool.submit("b1", "b")]
            for job in jobs[3:5]:  # the newest first
                with pytest.raises(groundhog.OverloadedError, match="4 requests wait for true already"):
                    await job.future
            for domain in ("a", "b"):  # both have as many
                with pytest.raises(groundhog.OverloadedError):
                    pool.submit("refused", domain)
            jobs.append(pool.submit("nobody's", None))
            with pytest.raises(groundhog.OverloadedError):
                await jobs[2].future
            assert pool.stats().queue_length == 4
            gate.release.release(5)
            for job in (jobs[0], jobs[1], *jobs[5:]):
                await job.future
        assert gate.order == ["a0", "a1", "b0", "nobody's", "b1"]
        assert recorder.outcomes == ["OverloadedError"] * 5 + ["ok"] * 5

    async def test_domains_take_turns(self) -> None:
        gate = Gate()
        asked = ["a0", "a1", "a2", "b0", "b1", "c0", "a3"]
        async with Pool(FUNCTION, engine=FakeEngine(gate)) as pool:
            jobs = [pool.submit(name, name[0]) for name in ("a", *asked)]
            gate.release.release(len(jobs))
            for job in jobs:
                await job.future
        assert gate.order == ["a", "a0", "b0", "c0", "a1", "b1", "a2", "a3"]

    async def test_without_one_an_idle_worker_still_serves(self) -> None:
        recorder = Recorder()
        limits = Limits(queue_length=0)
        async with Pool(FUNCTION, limits=limits, engine=FakeEngine(count), observer=recorder) as pool:
            await pool.invoke({})
            await recorder.until(lambda: len(recorder.reports) == 1)
            await pool.invoke({})

    async def test_a_caller_that_leaves_the_queue(self) -> None:
        gate, recorder = Gate(), Recorder()
        async with Pool(FUNCTION, engine=FakeEngine(gate), observer=recorder) as pool:
            tasks = [asyncio.create_task(pool.invoke(number)) for number in range(3)]
            await gate.entered()
            tasks[1].cancel()
            with pytest.raises(asyncio.CancelledError):
                await tasks[1]
            assert pool.stats().queue_length == 1
            for _ in range(2):
                gate.release.release()
            await asyncio.gather(tasks[0], tasks[2])
        assert gate.order == [0, 2]
        assert recorder.outcomes == ["CancelledError", "ok", "ok"]

    async def test_what_is_withdrawn_leaves_the_queue(self) -> None:
        gate, recorder = Gate(), Recorder()
        async with Pool(FUNCTION, engine=FakeEngine(gate), observer=recorder) as pool:
            jobs = [pool.submit(number) for number in range(3)]
            assert [pool.waits(job) for job in jobs] == [False, True, True]
            await gate.entered()
            for job in jobs[:2]:
                pool.withdraw(job)
            assert [job.future.cancelled() for job in jobs] == [False, True, False], "what runs runs on"
            assert pool.stats().queue_length == 1
            gate.release.release(2)
            assert [(await job.future).value["params"] for job in (jobs[0], jobs[2])] == [0, 2]
        assert gate.order == [0, 2]
        assert recorder.outcomes == ["CancelledError", "ok", "ok"]
        assert jobs[0].timings is not None
        assert jobs[1].timings is None, "no process has got it"

    async def test_a_caller_that_leaves_while_it_runs(self) -> None:
        """The run goes on, its answer is nobody's, and the process is reverted."""
        gate, recorder = Gate(), Recorder()
        async with Pool(FUNCTION, engine=FakeEngine(gate), observer=recorder) as pool:
            task = asyncio.create_task(pool.invoke("gone"))
            await gate.entered()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert pool.stats().workers == {"running": 1}
            gate.release.release(2)
            assert (await pool.invoke("next")).value == {"n": 1, "params": "next"}
            await recorder.until(lambda: len(recorder.reports) == 2)
        assert recorder.outcomes == ["ok", "ok"]
        assert recorder.retired == []
