"""Whatever a process does wrong in a request, its caller is told and the process is replaced."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import selectors
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

import groundhog
from groundhog import Limits, Pool
from groundhog import pool as pool_module
from groundhog.protocols.actionloop import AnswerDecoder
from groundhog.testing import FakeEngine, FakeReport, process
from groundhog.worker.lifecycle import State
from groundhog.worker.pipes import Channel
from tests.unit.core.scripts import FUNCTION, Gate, Recorder, count

if TYPE_CHECKING:
    from groundhog.testing import Call

pytestmark = pytest.mark.usefixtures("no_leaks")


class TestFailures:
    @pytest.mark.parametrize(
        ("fault", "error", "text", "reason"),
        [
            ("exit-mid-request", groundhog.FunctionExitedError, "command exited: ", "exited"),
            ("two-answers", groundhog.ProtocolError, "more than one line", "protocol"),
        ],
    )
    async def test_the_caller_is_told_and_the_process_replaced(
        self, fault: str, error: type[Exception], text: str, reason: str
    ) -> None:
        engine, recorder = FakeEngine(count), Recorder()
        async with Pool(FUNCTION, engine=engine, observer=recorder) as pool:
            engine.fail(fault)
            with pytest.raises(error, match=text):
                await pool.invoke({})
            assert (await pool.invoke({})).value["n"] == 1
            assert pool.stats().retirements == {reason: 1}
            assert pool.stats().errors == {error.__name__: 1}
        assert [row[0] for row in recorder.retired] == [reason]
        assert len(engine.processes) == 2

    async def test_a_request_that_cannot_be_sent_whole(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """As while another function has all watches of its user: each worker needs one for what is left."""

        def taken(*_: object) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        engine = FakeEngine(count)
        async with Pool(FUNCTION, engine=engine) as pool:
            with monkeypatch.context() as patched:
                patched.setattr(selectors.EpollSelector, "register", taken)
                job = pool.submit({"x": "a" * (4 << 20)})
            with pytest.raises(groundhog.CutOffError, match="not be sent whole: No space left"):
                await asyncio.wait_for(job.future, 10)
            assert (await pool.invoke({})).value["n"] == 1
            assert pool.stats().retirements == {"request-unsent": 1}
        assert len(engine.processes) == 2

    async def test_an_answer_that_is_not_json_is_reverted_like_any_other(self) -> None:
        engine = FakeEngine(count)
        async with Pool(FUNCTION, engine=engine) as pool:
            engine.fail("not-json")
            with pytest.raises(groundhog.ProtocolError, match="Segmentation fault"):
                await pool.invoke({})
            assert (await pool.invoke({})).value["n"] == 1
        assert len(engine.processes) == 1

    @pytest.mark.parametrize(
        ("where", "name"),
        [(AnswerDecoder, "feed"), (Channel, "take_logs")],
    )
    async def test_without_memory_for_an_answer_nobody_waits(
        self, monkeypatch: pytest.MonkeyPatch, where: type, name: str
    ) -> None:
        """A part of it may be lost, and what follows is no answer."""
        recorder = Recorder()
        async with Pool(FUNCTION, engine=FakeEngine(count), observer=recorder) as pool:
            as_ever = getattr(where, name)
            failures = iter([MemoryError()])

            def fail_once(*arguments: Any) -> Any:
                for error in failures:
                    raise error
                return as_ever(*arguments)

            monkeypatch.setattr(where, name, fail_once)
            with pytest.raises(groundhog.ProtocolError, match="takes more memory than there is"):
                await asyncio.wait_for(pool.invoke({}), 10)
            assert (await asyncio.wait_for(pool.invoke({}), 10)).value["n"] == 1
        assert [row[0] for row in recorder.retired] == ["protocol"]

    @pytest.mark.parametrize("value", [1, "text", True])
    async def test_not_an_object_or_array(self, value: Any) -> None:
        def talk(params: Any, call: Call) -> Any:
            call.print("said before")
            return params

        async with Pool(FUNCTION, engine=FakeEngine(talk)) as pool:
            with pytest.raises(groundhog.ProtocolError) as caught:
                await pool.invoke(value)
            assert str(caught.value) == "The action did not return a dictionary or array."
            assert caught.value.stdout == "said before\n"
            assert (await pool.invoke([value])).value == [value]

    @pytest.mark.parametrize(
        ("fault", "reason"),
        [
            ("restore-refused", "thread-ended"),
            ("restore-mismatch", "state-mismatch"),
            ("restore-fails", "engine-error"),
        ],
    )
    async def test_what_cannot_be_restored_is_not_served(self, fault: str, reason: str) -> None:
        engine, recorder = FakeEngine(count), Recorder()
        async with Pool(FUNCTION, engine=engine, observer=recorder) as pool:
            engine.fail(fault)
            assert (await pool.invoke({})).value["n"] == 1, "its answer was complete"
            assert (await pool.invoke({})).value["n"] == 1
        assert [row[0] for row in recorder.retired] == [reason]
        assert [process.alive for process in engine.processes] == [False, False]

    async def test_a_restore_that_never_ends_is_ended(self) -> None:
        engine, recorder = FakeEngine(count), Recorder()
        limits = Limits(restore_timeout_s=0.05)
        async with Pool(FUNCTION, limits=limits, engine=engine, observer=recorder) as pool:
            engine.fail("restore-hangs")
            await pool.invoke({})
            assert (await pool.invoke({})).value["n"] == 1
        assert [row[0] for row in recorder.retired] == ["restore-timeout"]

    async def test_a_process_that_ends_after_its_answer(self) -> None:
        engine, recorder = FakeEngine(count), Recorder()
        async with Pool(FUNCTION, engine=engine, observer=recorder) as pool:
            engine.fail("exit-after-answer")
            assert (await pool.invoke({})).value["n"] == 1
            assert (await pool.invoke({})).value["n"] == 1
        assert [row[0] for row in recorder.retired] == ["exited"]

    async def test_time_runs_out(self) -> None:
        def hang(params: Any, call: Call) -> dict[str, Any]:
            call.print("before")
            if params == "hang":
                call.killed.wait()
            return count(params, call)

        engine, recorder = FakeEngine(hang), Recorder()
        async with Pool(FUNCTION, engine=engine, observer=recorder) as pool:
            with pytest.raises(
                groundhog.FunctionTimeoutError, match=r"did not answer within 0\.05 s"
            ) as caught:
                await pool.invoke("hang", timeout=0.05)
            assert caught.value.stdout == "before\n"
            assert (await pool.invoke({})).value["n"] == 1
        assert [row[0] for row in recorder.retired] == ["timeout"]

    @pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf")])
    async def test_impossible_timeouts(self, timeout: float) -> None:
        async with Pool(FUNCTION, engine=FakeEngine(count)) as pool:
            with pytest.raises(groundhog.InvocationError, match="must be positive and finite"):
                await pool.invoke({}, timeout=timeout)
            assert (await pool.invoke({})).value["n"] == 1, "its process goes on"

    async def test_a_timeout_beyond_all_clocks(self) -> None:
        """Its end cannot be told in milliseconds, and must not leave a process that waits for a request."""
        limits = Limits(timeout_s=1e306, start_timeout_s=1e306)
        async with Pool(FUNCTION, limits=limits, engine=FakeEngine(count)) as pool:
            assert (await pool.invoke({})).value["n"] == 1

    async def test_too_much(self) -> None:
        limits = Limits(request_bytes=100, result_bytes=200)

        def much(params: Any, _: Call) -> Any:
            return ["a" * params]

        async with Pool(FUNCTION, limits=limits, engine=FakeEngine(much)) as pool:
            with pytest.raises(groundhog.PayloadTooLargeError, match="the request is 102 bytes"):
                await pool.invoke("a" * 100)
            with pytest.raises(groundhog.PayloadTooLargeError, match="longer than the limit of 200 bytes"):
                await pool.invoke(300)
            assert pool.stats().retirements == {"answer-too-large": 1}
            assert (await pool.invoke(1)).value == ["a"]


class TestWorkers:
    async def test_a_worker_that_is_not_clean_cannot_be_handed_a_request(self) -> None:
        """Even if the pool erred: the table refuses."""
        gate = Gate()
        async with Pool(FUNCTION, engine=FakeEngine(gate)) as pool:
            task = asyncio.create_task(pool.invoke(1))
            await gate.entered()
            worker = pool._workers[0]
            assert worker.state is State.RUNNING
            assert worker._job is not None
            with pytest.raises(groundhog.GroundhogError, match="cannot happen to a worker that is running"):
                worker.serve(worker._job)
            gate.release.release()
            assert (await task).value["n"] == 1

    async def test_idle_processes_that_end_are_replaced(self) -> None:
        engine, recorder = FakeEngine(count), Recorder()
        async with Pool(FUNCTION, engine=engine, observer=recorder) as pool:
            engine.processes[0].kill()
            await recorder.until(lambda: bool(recorder.retired))
            assert (await pool.invoke({})).value["n"] == 1
        assert [row[0] for row in recorder.retired] == ["exited"]

    @pytest.mark.parametrize("successor_starts", [True, False])
    async def test_one_that_ends_while_its_successor_starts_is_replaced_once(
        self, monkeypatch: pytest.MonkeyPatch, *, successor_starts: bool
    ) -> None:
        monkeypatch.setattr(process, "FakeReport", partial(FakeReport, layout_calls=9))
        engine = FakeEngine(lambda params, call: call.exit(1) if params.get("exit") else count(params, call))
        recorder = Recorder()
        async with Pool(FUNCTION, engine=engine, observer=recorder) as pool:
            await pool.invoke({})
            await recorder.until(lambda: bool(recorder.reports))  # the successor is on its way from here on
            if not successor_starts:
                engine.fail("snapshot-refused")
            with pytest.raises(groundhog.FunctionExitedError):
                await pool.invoke({"exit": True})
            assert (await pool.invoke({})).value["n"] == 1
            while pool.stats().workers.keys() - {"clean"}:  # noqa: ASYNC110  (nothing tells of it)
                await asyncio.sleep(0.001)
            assert pool.stats().workers == {"clean": 1}, "as many as were asked for"
            assert "exited" in [reason for reason, _ in recorder.retired]

    @pytest.mark.parametrize("event", ["on_request", "on_snapshot", "on_restore", "on_retire"])
    async def test_an_observer_that_raises_stops_nobody(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, event: str
    ) -> None:
        def fail(*_: Any) -> None:
            raise RuntimeError("an observer's defect")

        recorder = Recorder()
        monkeypatch.setattr(recorder, event, fail)
        engine = FakeEngine(lambda params, call: call.exit(1) if params.get("exit") else count(params, call))
        async with Pool(FUNCTION, engine=engine, observer=recorder) as pool:
            for _ in range(3):
                assert (await asyncio.wait_for(pool.invoke({}), 10)).value["n"] == 1
                with pytest.raises(groundhog.FunctionExitedError):
                    await asyncio.wait_for(pool.invoke({"exit": True}), 10)
        assert "an observer's defect" in caplog.text
        assert engine.alive == 0

    async def test_stats(self) -> None:
        async with Pool(FUNCTION, workers=2, engine=FakeEngine(count)) as pool:
            await pool.invoke({})
            stats = pool.stats()
            assert (stats.requests, stats.errors, stats.queue_length) == (1, {}, 0)
            assert stats.snapshot_bytes == 2 * 50 * 4096
            assert sum(stats.workers.values()) == 2
            assert len(pool.pids) == 2

    async def test_many_failures_leave_nothing_behind(self) -> None:
        """A hundred requests with faults strewn among them: each is answered as a first one, or fails."""
        faults = ["exit-mid-request", "two-answers", "not-json", "restore-refused", "exit-after-answer"]
        engine = FakeEngine(count)
        async with Pool(FUNCTION, workers=2, engine=engine) as pool:
            for number in range(100):
                if number % 4 == 0:
                    engine.fail(faults[number // 4 % len(faults)])
                with contextlib.suppress(groundhog.InvocationError):
                    assert (await pool.invoke(number)).value == {"n": 1, "params": number}
            assert sum(pool.stats().errors.values()) == 15
        assert engine.alive == 0

    async def test_one_that_fails_for_hours_is_tried_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A full disk overnight: after a thousand starts that failed there is room."""
        monkeypatch.setattr(pool_module, "_LONGEST_PAUSE_S", 0.01)
        engine, recorder = FakeEngine(count), Recorder()
        async with Pool(FUNCTION, engine=engine, observer=recorder) as pool:
            pool._failures = 5000
            engine.processes[0].kill()
            await recorder.until(lambda: bool(recorder.retired))
            assert (await asyncio.wait_for(pool.invoke({}), 10)).value["n"] == 1


@pytest.mark.parametrize(
    "failing", ["pipes.Channel.reverted", "pipes.is_failed"], ids=["after-restore", "at-answer"]
)
async def test_what_nobody_foresaw_retires_the_process(monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    """A worker that only logged it would wait for ever, and the pool's end for the worker."""
    recorder = Recorder()
    async with Pool(FUNCTION, engine=FakeEngine(count), observer=recorder) as pool:
        with monkeypatch.context() as patched:

            def fail(*_: object) -> bool:
                patched.undo()
                raise RuntimeError("nobody foresaw it")

            patched.setattr(f"groundhog.worker.{failing}", fail)
            with contextlib.suppress(groundhog.CutOffError, groundhog.ProtocolError):
                await pool.invoke({})
            await recorder.until(lambda: bool(recorder.retired))
        assert (await pool.invoke({})).value["n"] == 1
    assert recorder.retired[0][0] == "worker-failed"
