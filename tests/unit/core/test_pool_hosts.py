"""Programs around a pool that use it in ways that nobody expects."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

import groundhog
from groundhog import Pool
from groundhog.testing import FakeEngine
from tests.unit.core.scripts import FUNCTION, Gate, Recorder, count

if TYPE_CHECKING:
    from groundhog.worker import Job

pytestmark = pytest.mark.usefixtures("no_leaks")


async def test_a_pool_that_was_closed_before_it_was_started() -> None:
    engine = FakeEngine(count)
    pool = Pool(FUNCTION, engine=engine)
    await pool.aclose()
    with pytest.raises(groundhog.PoolClosedError, match="make a new one"):
        await pool.start()
    assert engine.alive == 0


async def test_another_event_loop() -> None:
    async with Pool(FUNCTION, engine=FakeEngine(count)) as pool:
        with pytest.raises(RuntimeError, match="belongs to the event loop that started it"):
            await asyncio.to_thread(lambda: asyncio.run(pool.invoke({})))
        asked = asyncio.run_coroutine_threadsafe(pool.invoke({}), asyncio.get_running_loop())
        assert (await asyncio.wrap_future(asked)).value == {"n": 1, "params": {}}


async def test_an_observer_that_asks_for_what_was_cancelled() -> None:
    class Asking(Recorder):
        def on_request(self, outcome: str, timings: groundhog.Timings) -> None:
            super().on_request(outcome, timings)
            cancelled.result()

        def on_retire(self, reason: str, message: str) -> None:
            super().on_retire(reason, message)
            cancelled.result()

    cancelled: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    cancelled.cancel()
    async with Pool(FUNCTION, engine=FakeEngine(count), observer=Asking()) as pool:
        for _ in range(2):
            assert (await asyncio.wait_for(pool.invoke({}), 5)).value["n"] == 1


async def test_an_observer_that_asks_again_for_whoever_left() -> None:
    class Asking(Recorder):
        def on_request(self, outcome: str, timings: groundhog.Timings) -> None:
            super().on_request(outcome, timings)
            if outcome == "CancelledError":
                jobs.append(pool.submit({}))

    jobs: list[Job] = []
    gate = Gate()
    pool = Pool(FUNCTION, engine=FakeEngine(gate), observer=Asking())
    async with pool:
        first, *others = (asyncio.ensure_future(pool.invoke({})) for _ in range(5))
        await gate.entered()
        for other in others:
            other.cancel()
        assert all(
            isinstance(result, asyncio.CancelledError)
            for result in await asyncio.gather(*others, return_exceptions=True)
        )
        for _ in range(5):
            gate.release.release()
        await asyncio.wait_for(asyncio.gather(first, *(job.future for job in jobs)), 5)
        assert len(jobs) == len(others)
        assert await pool.drain(5)
