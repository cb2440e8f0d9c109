"""Trust domains under random orders of events: whatever happens, no request finds another domain's state."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import groundhog
from groundhog import Limits, Pool
from groundhog.testing import FakeEngine
from tests.unit.core.scripts import FUNCTION

if TYPE_CHECKING:
    from groundhog.testing import Call
    from groundhog.worker import Job

DOMAINS = (None, "", "a", "b", "c")
WAYS = ("answers", "raises", "exits", "answers twice", "hangs")
FAULTS = (
    "restore-refused",
    "restore-mismatch",
    "restore-fails",
    "exit-after-answer",
    "two-answers",
    "not-json",
)

Step = tuple[str, Any]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), st.tuples(st.sampled_from(DOMAINS), st.sampled_from(WAYS))),
        st.tuples(st.just("withdraw"), st.integers(0, 20)),
        st.tuples(st.just("fault"), st.sampled_from(FAULTS)),
        st.tuples(st.just("turn"), st.integers(0, 8)),
        st.tuples(st.just("wait"), st.none()),
    ),
    min_size=5,
    max_size=40,
)


def remember(params: Any, call: Call) -> dict[str, Any]:
    """What a process has seen since its snapshot, this request included."""
    seen: list[Any] = [*call.state.get("seen", []), params["me"]]
    call.state["seen"] = seen
    if params["way"] == "exits":
        call.exit(3)
    if params["way"] == "hangs":
        call.killed.wait()
        call.exit(1)
    if params["way"] == "raises":
        return {"error": "raised", "seen": seen}
    if params["way"] == "answers twice":
        call.write_answer(b'{"seen":[]}\n')
    return {"seen": seen}


@pytest.mark.parametrize("isolation", ["request", "domain"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, workers=st.integers(1, 3), idle_s=st.sampled_from([0.0, 60.0]))
def test_nobody_finds_the_state_of_another_domain(
    isolation: Literal["request", "domain"], steps: list[Step], workers: int, idle_s: float
) -> None:
    asyncio.run(_interleaved(isolation, steps, workers, idle_s))


async def _interleaved(
    isolation: Literal["request", "domain"], steps: list[Step], workers: int, idle_s: float
) -> None:
    engine = FakeEngine(remember)
    limits = Limits(domain_idle_s=idle_s, timeout_s=0.05)
    asked: list[tuple[str | None, Job]] = []
    async with Pool(FUNCTION, workers=workers, isolation=isolation, limits=limits, engine=engine) as pool:
        for step, what in steps:
            if step == "ask":
                domain, way = what
                with contextlib.suppress(groundhog.GroundhogError):  # no process starts any more
                    asked.append((domain, pool.submit({"me": len(asked), "way": way}, domain)))
            elif step == "withdraw" and asked:
                pool.withdraw(asked[what % len(asked)][1])
            elif step == "fault":
                engine.fail(what)
            elif step == "turn":
                for _ in range(what):
                    await asyncio.sleep(0)
            elif step == "wait" and asked:
                await asyncio.wait([asked[-1][1].future])
        answered = await asyncio.wait_for(
            asyncio.gather(*(job.future for _, job in asked), return_exceptions=True), 60
        )
    for number, outcome in enumerate(answered):
        if isinstance(outcome, BaseException):
            assert isinstance(outcome, groundhog.GroundhogError | asyncio.CancelledError), outcome
        else:
            _check(isolation, number, outcome.value["seen"], [domain for domain, _ in asked])


def _check(isolation: str, number: int, seen: list[int], domains: list[str | None]) -> None:
    """The answer tells what its process had seen, itself last; nothing, where it answered twice."""
    assert seen[-1:] in ([number], []), "the answer is that to the request"
    if isolation == "request" or not domains[number]:
        assert seen in ([number], [])
    assert all(domains[each] == domains[number] for each in seen)
