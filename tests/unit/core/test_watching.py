"""When a function is better off without the watch on its layout."""

from __future__ import annotations

from groundhog.worker import LayoutWatch


def noted(*calls: int) -> LayoutWatch:
    watch = LayoutWatch()
    for number in calls:
        watch.note(number)
    return watch


def test_it_is_wanted_at_first() -> None:
    assert LayoutWatch().wanted


def test_a_quiet_function_stays_watched() -> None:
    assert noted(*[0] * 100).wanted


def test_a_few_calls_are_worth_it() -> None:
    assert noted(*([0, 0, 0, 0, 0, 0, 0, 32] * 20)).wanted
    assert noted(*[4] * 160).wanted


def test_a_function_that_maps_and_unmaps_is_not_watched_for_long() -> None:
    assert not noted(*[5] * 8).wanted


def test_it_is_not_judged_by_its_first_request() -> None:
    assert noted(1000).wanted


def test_once_off_it_stays_off() -> None:
    assert not noted(*[5] * 8, *[0] * 100).wanted
