"""The Python and Node victims as plain handlers, through the pool, the runners and their launchers."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from groundhog import Function, Pool
from groundhog.audit.catalog import NODE, PYTHON, Expected, Victim
from groundhog.audit.workshop import SOURCES

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.kernel, pytest.mark.usefixtures("no_leaks")]

REQUESTS = int(os.environ.get("GROUNDHOG_VICTIM_REQUESTS", "8"))
SUFFIX = {"python": ".py", "node": ".js"}
HANDLERS = [victim for victim in PYTHON + NODE if victim.expected is Expected.REVERT]


@pytest.fixture
def function(victim: Victim, tmp_path: Path) -> Function:
    """With scratch files of its own: a victim looks at all of them, and other tests use the common folder."""
    source = SOURCES / victim.language / f"{victim.source}{SUFFIX[victim.language]}"
    return Function.from_file(source, env={"TMPDIR": str(tmp_path)})


@pytest.mark.parametrize("victim", HANDLERS, ids=lambda victim: victim.name)
async def test_every_reply_is_a_first_reply(victim: Victim, function: Function) -> None:
    async with Pool(function, workers=1, isolation="request", jail=victim.jail or "none") as pool:
        replies = [await pool.invoke({"secret": f"Q{number:07d}"}) for number in range(REQUESTS)]
        # One that is better off unwatched gets a successor, once.
        assert set(pool.stats().retirements) <= {"superseded"}, "the process was replaced instead of restored"
    assert [reply.value for reply in replies] == [replies[0].value] * REQUESTS
    printed = [reply.stdout + reply.stderr for reply in replies]
    for number, text in enumerate(printed):
        others = {f"Q{other:07d}" for other in range(REQUESTS) if other != number}
        assert not any(other in text for other in others), f"request {number} got the output of another"


@pytest.mark.slow  # that they leave something is shown without a pool, too
@pytest.mark.parametrize("victim", HANDLERS, ids=lambda victim: victim.name)
async def test_without_isolation_a_later_reply_differs(victim: Victim, function: Function) -> None:
    async with Pool(function, workers=1, isolation="off", jail=victim.jail or "none") as pool:
        replies = [await pool.invoke({"secret": f"Q{number:07d}"}) for number in range(8)]
    assert any(reply.value != replies[0].value for reply in replies)
