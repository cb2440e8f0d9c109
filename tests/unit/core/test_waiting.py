"""Which of the requests that wait is the next, and which has to give way."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from groundhog.waiting import Waiting


def job(domain: str | None, number: int = 0) -> Any:
    return SimpleNamespace(domain=domain, number=number)


@given(st.lists(st.sampled_from([None, "a", "b", "c"]), max_size=20))
def test_all_that_wait_come_out_once_and_those_of_a_domain_in_order(domains: list[str | None]) -> None:
    waiting = Waiting()
    jobs = [job(domain, number) for number, domain in enumerate(domains)]
    for each in jobs:
        waiting.append(each)
        assert each in waiting
    assert len(waiting) == len(jobs) == len(list(waiting))
    taken = [waiting.pop() for _ in jobs]
    assert not waiting
    assert len(waiting) == 0
    for domain in set(domains):
        assert [each for each in taken if each.domain == domain] == [
            each for each in jobs if each.domain == domain
        ]
    others = set(domains)
    assert {each.domain for each in taken[: len(others)]} == others, "each has had a turn by then"


def test_what_was_put_back_is_the_next_one() -> None:
    waiting = Waiting()
    jobs = [job("a", 0), job("a", 1), job("b", 2)]
    for each in jobs:
        waiting.append(each)
    assert waiting.pop() is jobs[0]
    waiting.put_back(jobs[0])
    assert waiting.first() is jobs[0]
    assert [waiting.pop() for _ in jobs] == [jobs[0], jobs[2], jobs[1]]


def test_what_is_removed_waits_no_more() -> None:
    waiting = Waiting()
    first, second = job("a", 0), job("a", 1)
    waiting.append(first)
    waiting.append(second)
    waiting.remove(first)
    assert first not in waiting
    assert list(waiting) == [second]
    waiting.remove(second)
    assert not waiting
    assert second not in waiting


def test_only_who_has_more_makes_room() -> None:
    waiting = Waiting()
    assert waiting.crowding_out("a") is None
    jobs = [job("a", 0), job("a", 1), job(None, 2)]
    for each in jobs:
        waiting.append(each)
    assert waiting.crowding_out("b") is jobs[1]
    assert waiting.crowding_out(None) is None, "it would have as many then"
    assert waiting.crowding_out("a") is None
