"""How pools start and end, and what is left when they cannot."""

from __future__ import annotations

import asyncio
import contextlib
import re
import threading
from typing import TYPE_CHECKING, Any

import pytest
import structlog.testing

import groundhog
from groundhog import Function, Limits, Pool, removal
from groundhog.errors import FunctionExitedError
from groundhog.jail import Restrictions
from groundhog.testing import FakeEngine
from groundhog.worker import startup
from tests.unit.core.scripts import FUNCTION, Gate, count

if TYPE_CHECKING:
    from groundhog.jail import Confinement
    from groundhog.testing import Call
    from groundhog.testing.process import FakeProcess

pytestmark = pytest.mark.usefixtures("no_leaks")


class Lacking(FakeEngine):
    """Cannot start a process as often as there are errors."""

    lacks: list[Exception]

    def __init__(self, function: Any) -> None:
        super().__init__(function)
        self.lacks = []

    def spawn(self, *arguments: Any, **options: Any) -> FakeProcess:
        if self.lacks:
            raise self.lacks.pop()
        return super().spawn(*arguments, **options)


async def test_a_process_that_outlives_its_end_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("groundhog.worker.startup.is_alive", lambda _: True)
    with structlog.testing.capture_logs() as logs:
        async with Pool(FUNCTION, engine=FakeEngine(count)) as pool:
            [pid] = pool.pids
    assert [log["pid"] for log in logs if log["log_level"] == "error"] == [pid]


class TestStarting:
    async def test_what_the_machine_has_is_tried_out_beside_the_loop(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        engine, looping, tried = FakeEngine(count), asyncio.get_running_loop(), threading.Event()
        confinement = Restrictions.confinement

        def try_out(*arguments: Any) -> Confinement:
            done = asyncio.run_coroutine_threadsafe(pool.aclose(), looping)
            done.result(timeout=30)  # which a loop that waits for us never does
            tried.set()
            return confinement(*arguments)

        monkeypatch.setattr(Restrictions, "confinement", try_out)
        pool = Pool(FUNCTION, engine=engine)
        with pytest.raises(groundhog.PoolClosedError, match="was closed while it started"):
            await pool.start()
        assert tried.is_set()
        assert engine.alive == 0

    async def test_code_that_does_not_load(self) -> None:
        engine = FakeEngine(count)
        engine.fail("init-error")
        with pytest.raises(
            groundhog.InitError, match=r"^SyntaxError: invalid syntax \(handler.py, line 3\)$"
        ):
            await Pool(FUNCTION, engine=engine).start()
        assert engine.alive == 0

    async def test_a_process_that_ends_while_it_loads(self) -> None:
        engine = FakeEngine(count)
        engine.fail("init-exit")
        with pytest.raises(groundhog.InitError) as caught:
            await Pool(FUNCTION, engine=engine).start()
        assert "ended (exited 1) before it was ready" in str(caught.value)
        assert str(caught.value).endswith("; the last it wrote: no module named nowhere")
        assert caught.value.log == "no module named nowhere\n"

    @pytest.mark.parametrize(
        ("fault", "error"),
        [
            ("spawn-refused", groundhog.SpawnError),
            ("snapshot-refused", groundhog.SnapshotRefusedError),
            ("restore-refused", groundhog.RestoreRefusedError),
            ("restore-mismatch", groundhog.StateMismatchError),
        ],
    )
    async def test_whatever_stops_it_nothing_is_left(self, fault: str, error: type[Exception]) -> None:
        engine = FakeEngine(count)
        engine.fail(fault)
        with pytest.raises(error):
            await Pool(FUNCTION, workers=3, engine=engine).start()
        assert engine.alive == 0

    @pytest.mark.parametrize(
        ("error", "told"),
        [
            (OSError(28, "No space left on device"), "No space left on device"),
            (RuntimeError("can't start new thread"), "can't start new thread"),
            (MemoryError(), "MemoryError"),
        ],
        ids=["no room", "no thread", "no memory"],
    )
    async def test_what_the_machine_lacks_for_a_while(self, error: Exception, told: str) -> None:
        engine = Lacking(count)
        async with Pool(FUNCTION, engine=engine) as pool:
            engine.lacks = [error]
            engine.fail("exit-mid-request")
            with pytest.raises(groundhog.FunctionExitedError):
                await pool.invoke({})
            assert (await pool.invoke({})).value["n"] == 1
            assert pool.stats().retirements == {"exited": 1, "start-failed": 1}
        engine.lacks = [error]
        with pytest.raises(groundhog.SpawnError, match=f"process of true could not be started: .*{told}"):
            await Pool(FUNCTION, engine=engine).start()

    async def test_a_restore_that_never_ends(self) -> None:
        engine = FakeEngine(count)
        engine.fail("restore-hangs")
        with pytest.raises(groundhog.RestoreRefusedError, match=r"took longer than 0\.05 s"):
            await Pool(FUNCTION, limits=Limits(restore_timeout_s=0.05), engine=engine).start()
        assert engine.alive == 0

    @pytest.mark.parametrize("what", ["load", "warm-up"])
    async def test_it_takes_too_long(self, what: str) -> None:
        def hang(_: Any, call: Call) -> None:
            call.killed.wait()

        warmup: list[Any] = [{}] if what == "warm-up" else []
        function = Function.from_command(["true"], warmup=warmup, ack="require")
        engine = FakeEngine(hang)
        if what == "load":
            engine.fail("init-hangs")
        expected = "say that it has loaded" if what == "load" else "answer a warm-up request"
        with pytest.raises(groundhog.InitError) as caught:
            await Pool(function, limits=Limits(start_timeout_s=0.05), engine=engine).start()
        assert re.fullmatch(
            rf"(warm-up request 1 failed: )?true did not {expected} within 0\.05 s"
            r" \(function process \d+, killed\); if it needs longer,"
            r" raise --start-timeout \(Limits\.start_timeout_s\)",
            str(caught.value),
        )
        assert engine.alive == 0

    @pytest.mark.parametrize("fault", [None, "snapshot-refused"])
    async def test_what_is_printed_meanwhile_is_kept(self, fault: str | None) -> None:
        def talk(_: Any, call: Call) -> dict[str, Any]:
            call.print("out")
            call.print("err", stderr=True)
            return {}

        function = Function.from_command(["true"], warmup=[{}], ack="require")
        engine = FakeEngine(talk, control=False)
        if fault:
            engine.fail(fault)
        pool = Pool(function, engine=engine)
        try:
            with contextlib.suppress(groundhog.SnapshotRefusedError):
                await pool.start()
            assert pool.start_output[0].startswith("out\n")
            assert pool.start_output[1].startswith("err\n")
        finally:
            await pool.aclose()

    async def test_what_an_error_tells_is_not_told_twice(self) -> None:
        engine = FakeEngine(count)
        engine.fail("init-exit")
        pool = Pool(FUNCTION, engine=engine)
        with pytest.raises(groundhog.InitError):
            await pool.start()
        assert pool.start_output == ("", "")

    @pytest.mark.parametrize(
        ("answer", "message"),
        [
            ({"error": "division by zero"}, "division by zero"),
            (b"5\n", "The action did not return a dictionary or array."),
            (
                b"nonsense\n",
                "the function's answer is not JSON (expected ident at line 1 column 2): 'nonsense'",
            ),
        ],
    )
    async def test_a_warm_up_that_fails(self, answer: Any, message: str) -> None:
        def second_fails(params: Any, call: Call) -> Any:
            call.print(f"warming with {params}")
            return answer if params == 2 else {}

        function = Function.from_command(["true"], warmup=[1, 2, 3], ack="require")
        engine = FakeEngine(second_fails)
        with pytest.raises(groundhog.InitError) as caught:
            await Pool(function, engine=engine).start()
        assert str(caught.value) == f"warm-up request 2 failed: {message}"
        assert "warming with 2\n" in caught.value.log
        assert "warming with 3" not in caught.value.log
        assert engine.alive == 0

    async def test_a_warm_up_that_ends_the_process(self) -> None:
        function = Function.from_command(["true"], warmup=[{}], ack="require")
        engine = FakeEngine(count)
        engine.fail("exit-mid-request")
        with pytest.raises(
            groundhog.InitError, match=r"^warm-up request 1 failed: function process \d+ ended \(exited 1\)"
        ):
            await Pool(function, engine=engine).start()

    async def test_a_warm_up_with_too_long_an_answer(self) -> None:
        function = Function.from_command(["true"], warmup=[{}], ack="require")
        limits = Limits(result_bytes=100)
        with pytest.raises(
            groundhog.InitError,
            match=r"^warm-up request 1 failed: the function's answer is longer than the limit of 100 bytes$",
        ):
            await Pool(function, limits=limits, engine=FakeEngine(lambda *_: ["x" * 100])).start()

    async def test_a_warm_up_may_answer_with_an_error_among_others(self) -> None:
        function = Function.from_command(["true"], warmup=[{}], ack="require")
        async with Pool(function, engine=FakeEngine(lambda *_: {"error": None, "rows": []})):
            pass

    async def test_a_start_that_fails_is_told_once(self) -> None:
        """By the error. Starts that are tried again are in the log, since nobody gets theirs."""
        engine = FakeEngine(count)
        engine.fail("init-error")
        with structlog.testing.capture_logs() as events:
            with pytest.raises(groundhog.InitError):
                await Pool(FUNCTION, engine=engine).start()
            assert not [event for event in events if "engine" not in event]  # which is told of its kind
            engine.fail("init-error")
            pool = Pool(FUNCTION, engine=engine)
            await pool.start(wait=False)
            with contextlib.suppress(groundhog.InitError):
                await pool.invoke({})
            await pool.aclose()
        assert [event["event"] for event in events if event["log_level"] == "error"] == [
            "a function process did not start"
        ]
        assert pool.stats().retirements["start-failed"] == 1

    async def test_without_waiting(self) -> None:
        engine = FakeEngine(count)
        pool = Pool(FUNCTION, engine=engine)
        try:
            await pool.start(wait=False)
            readiness = [pool.ready]
            assert (await pool.invoke({})).value["n"] == 1
            readiness.append(pool.ready)
            assert readiness == [False, True]
        finally:
            await pool.aclose()
        assert not pool.ready

    async def test_failed_starts_are_tried_again(self) -> None:
        engine = FakeEngine(count)
        engine.fail("spawn-refused")
        pool = Pool(FUNCTION, engine=engine)
        try:
            await pool.start(wait=False)
            assert (await pool.invoke({})).value["n"] == 1
            assert pool.start_error is None
        finally:
            await pool.aclose()

    async def test_code_that_never_loads_fails_those_who_wait_and_those_who_come(self) -> None:
        engine = FakeEngine(count)
        engine.fail("init-error", times=100)
        pool = Pool(FUNCTION, engine=engine)
        try:
            await pool.start(wait=False)
            for _ in range(3):
                with pytest.raises(groundhog.InitError, match="SyntaxError"):
                    await pool.invoke({})
            assert pool.stats().errors == {"InitError": 3}
        finally:
            await pool.aclose()

    @pytest.mark.parametrize("wait", [True, False])
    async def test_a_warm_up_that_is_too_large_is_told_at_once(self, *, wait: bool) -> None:
        """To try again would help nobody."""
        function = Function.from_command(["true"], warmup=[{"a": "x" * (64 << 20)}])
        with pytest.raises(groundhog.PayloadTooLargeError):
            await Pool(function, engine=FakeEngine(count)).start(wait=wait)

    async def test_a_pool_is_started_once(self) -> None:
        async with Pool(FUNCTION, engine=FakeEngine(count)) as pool:
            with pytest.raises(groundhog.PoolClosedError, match="only once"):
                await pool.start()

    @pytest.mark.parametrize("workers", [0, -1])
    def test_without_workers(self, workers: int) -> None:
        with pytest.raises(groundhog.ConfigError, match="at least one worker"):
            Pool(FUNCTION, workers=workers)


class TestClosing:
    async def test_before_it_is_started(self) -> None:
        pool = Pool(FUNCTION, engine=FakeEngine(count))
        with pytest.raises(groundhog.PoolClosedError):
            await pool.invoke({})
        await pool.aclose()

    async def test_requests_under_way_and_waiting_are_told(self) -> None:
        gate = Gate()
        engine = FakeEngine(gate)
        pool = Pool(FUNCTION, engine=engine)
        await pool.start()
        tasks = [asyncio.create_task(pool.invoke(number)) for number in range(3)]
        await gate.entered()
        await pool.aclose()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        waited = [groundhog.PoolClosedError] * 2
        assert [type(result) for result in results] == [groundhog.CutOffError, *waited]
        assert "may have done its work" in str(results[0])
        with pytest.raises(groundhog.PoolClosedError):
            await pool.invoke({})
        assert engine.alive == 0
        assert pool.stats().workers == {}
        await pool.aclose()

    async def test_while_it_starts(self) -> None:
        engine = FakeEngine(count)
        pool = Pool(FUNCTION, workers=2, engine=engine)
        starting = asyncio.create_task(pool.start())
        await asyncio.sleep(0)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
        assert engine.alive == 0

    @pytest.mark.parametrize("steps", range(0, 40, 3))
    async def test_at_any_moment_of_the_start(self, steps: int) -> None:
        engine = FakeEngine(count)
        pool = Pool(FUNCTION, engine=engine)
        await pool.start(wait=False)
        for _ in range(steps):
            await asyncio.sleep(0)
        await pool.aclose()
        assert engine.alive == 0

    async def test_draining(self) -> None:
        gate = Gate()
        async with Pool(FUNCTION, engine=FakeEngine(gate)) as pool:
            tasks = [asyncio.create_task(pool.invoke(number)) for number in range(2)]
            await gate.entered()
            assert not await pool.drain(0.01)
            with pytest.raises(groundhog.PoolClosedError):
                await pool.invoke(3)
            gate.release.release(2)
            assert await pool.drain(60)
            assert [reply.value["n"] for reply in await asyncio.gather(*tasks)] == [1, 1]


async def test_what_takes_long_to_be_removed_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither those who are to start a process, nor the end of the pool."""
    go_on = threading.Event()
    monkeypatch.setattr(startup, "_clear", lambda _: go_on.wait())
    monkeypatch.setattr(removal, "_PATIENCE_S", 0.05)
    engine = FakeEngine(lambda _, call: call.exit())
    try:
        async with Pool(FUNCTION, engine=engine) as pool:
            for _ in range(6):
                with pytest.raises(FunctionExitedError):
                    await asyncio.wait_for(pool.invoke({}), 10)
    finally:
        go_on.set()
