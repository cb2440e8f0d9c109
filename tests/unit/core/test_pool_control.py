"""Control lines that go through a pool as requests do."""

from __future__ import annotations

import pytest

from groundhog import Pool
from groundhog.errors import PoolClosedError
from groundhog.protocols.actionloop import DRAW
from groundhog.testing import FakeEngine
from tests.unit.core.scripts import FUNCTION, Recorder, count

pytestmark = pytest.mark.usefixtures("no_leaks")


async def test_it_is_no_request_to_the_function_and_reverted_as_one() -> None:
    recorder = Recorder()
    async with Pool(FUNCTION, engine=FakeEngine(count, control=True), observer=recorder) as pool:
        assert pool.takes_control
        assert (await pool.control(DRAW)).value == {}, "the script's answer to any control line"
        await recorder.until(lambda: len(recorder.reports) == 1)
        assert (await pool.invoke({})).value["n"] == 1


async def test_a_program_that_is_no_launcher_takes_none() -> None:
    async with Pool(FUNCTION, engine=FakeEngine(count, control=False)) as pool:
        assert not pool.takes_control


async def test_a_closed_pool_sends_none() -> None:
    async with Pool(FUNCTION, engine=FakeEngine(count)) as pool:
        pass
    with pytest.raises(PoolClosedError):
        await pool.control(DRAW)
