"""Programs around a pool that use it in ways that nobody expects."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

import groundhog
from groundhog import Pool
from groundhog.testing import FakeEngine
from tests.unit.core.scripts import FUNCTION, Recorder, count

if TYPE_CHECKING:
    pass

pytestmark = pytest.mark.usefixtures("no_leaks")


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


