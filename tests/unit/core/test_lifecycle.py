"""The table of a worker's life, looked at from every side."""

from __future__ import annotations

import itertools

import pytest

from groundhog.worker.lifecycle import (
    STARTED,
    TABLE,
    Action,
    Event,
    IllegalTransitionError,
    State,
    advance,
)

EVERYTHING = list(itertools.product(State, Event))


@pytest.mark.parametrize(("state", "event"), EVERYTHING, ids=lambda value: value.value)
def test_every_pair_is_in_the_table_or_refused_by_name(state: State, event: Event) -> None:
    if (state, event) in TABLE:
        assert advance(state, event) == TABLE[state, event]
        return
    with pytest.raises(IllegalTransitionError) as caught:
        advance(state, event)
    assert str(caught.value) == f"event {event.value!r} cannot happen to a worker that is {state.value}"


def test_only_a_clean_worker_serves_any_domain() -> None:
    assert [state for state in State if (state, Event.SERVE) in TABLE] == [State.CLEAN]


def test_only_a_kept_worker_serves_its_domain_again() -> None:
    assert [state for state in State if (state, Event.SERVE_AGAIN) in TABLE] == [State.KEPT]


def test_after_a_request_only_a_restore_leads_back_to_clean() -> None:
    """Follow every path from RUNNING that avoids both kinds of it: none of them comes to CLEAN."""
    restores = {Event.RESTORED, Event.RESTORED_EAGER}
    seen = {State.RUNNING}
    todo = [State.RUNNING]
    while todo:
        state = todo.pop()
        for event in Event:
            if event not in restores and (state, event) in TABLE:
                following = TABLE[state, event][0]
                if following not in seen:
                    seen.add(following)
                    todo.append(following)
    assert seen == {State.RUNNING, State.FINISHING, State.RESTORING, State.KEPT, State.RETIRED}


def test_while_hooks_run_nothing_is_served() -> None:
    """A request that comes meanwhile waits for their end, or for that of the process."""
    after = {event: TABLE[state, event] for state, event in TABLE if state is State.HOOKING}
    assert after == {
        Event.HOOKED: (State.CLEAN, Action.OFFER),
        Event.RETIRE: (State.RETIRED, Action.KILL),
    }


def test_hooks_before_a_restore_lead_to_one() -> None:
    after = {event: TABLE[state, event] for state, event in TABLE if state is State.FINISHING}
    assert after == {
        Event.FINISHED: (State.RESTORING, Action.RESTORE),
        Event.RETIRE: (State.RETIRED, Action.KILL),
    }


def test_hooks_run_ahead_only_in_a_reverted_process() -> None:
    before = {key: following for key, following in TABLE.items() if following[0] is State.HOOKING}
    assert before == {(State.RESTORING, Event.RESTORED_EAGER): (State.HOOKING, Action.RUN_HOOKS)}


def test_nothing_leads_out_of_retirement() -> None:
    assert {TABLE[key] for key in TABLE if key[0] is State.RETIRED} == {(State.RETIRED, Action.NONE)}


@pytest.mark.parametrize("state", [state for state in State if state is not State.RETIRED])
def test_every_state_can_be_retired_from_and_kills(state: State) -> None:
    assert advance(state, Event.RETIRE) == (State.RETIRED, Action.KILL)


def test_every_state_is_reached_from_the_first() -> None:
    seen = {State.NEW}
    for _ in State:
        seen |= {following for (state, _), (following, _) in TABLE.items() if state in seen}
    assert seen == set(State)


def test_every_action_and_every_event_is_used() -> None:
    assert {action for _, action in TABLE.values()} == set(Action)
    assert {event for _, event in TABLE} == set(Event)


def test_the_pool_is_told_whenever_a_worker_may_be_handed_a_request() -> None:
    offering = {following for following, action in TABLE.values() if action is Action.OFFER}
    assert offering == {State.CLEAN, State.KEPT}
    assert offering < STARTED
