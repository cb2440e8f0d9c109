"""The life of one function process, as one table: state x event -> state, action. Pure; `Worker` performs the
actions.

Theory of operation. A worker is born NEW and walks down to CLEAN, the only state besides KEPT in which it may
be handed a request. From there it goes round: CLEAN -> RUNNING -> RESTORING -> CLEAN. With isolation "domain"
or "off" an answered request leads to KEPT instead: the process then holds what its last caller left, and only
that caller (SERVE_AGAIN), or a restore (REVERT), may follow. Where the function has hooks for the moment
before a restore, FINISHING comes first: they see what the request left. With eager hooks a restore leads to
HOOKING first: what hooks leave belongs to the next request, so the process is then as clean as one whose
hooks run within that. That SERVE is illegal in every state but CLEAN is the promise of isolation in this
file. Every state leads to RETIRED, and nothing leads out of it: a process that cannot be restored with
certainty is replaced, never repaired.
"""

from __future__ import annotations

from enum import Enum

from groundhog.errors import GroundhogError


class State(str, Enum):
    """Where a worker is; the values label metrics."""

    NEW = "new"
    SPAWNING = "spawning"
    LOADING = "loading"
    WARMING = "warming"
    PREPARING = "preparing"
    SNAPSHOTTING = "snapshotting"
    REHEARSING = "rehearsing"
    REVERTING = "reverting"
    """As RESTORING, in the rehearsal: no request waits for it."""
    CLEAN = "clean"
    RUNNING = "running"
    FINISHING = "finishing"
    """A request has ended, and the function's hooks run before the process is reverted."""
    RESTORING = "restoring"
    HOOKING = "hooking"
    """Reverted, and the function's hooks run before any request comes."""
    KEPT = "kept"
    """Idle and not clean: for the last caller's trust domain only."""
    RETIRED = "retired"


class Event(str, Enum):
    """What happens to a worker."""

    START = "start"
    SPAWNED = "spawned"
    LOADED = "loaded"
    WARMED = "warmed"
    PREPARED = "prepared"
    UNISOLATED = "unisolated"
    """Prepared, and by configuration no snapshot is wanted."""
    SNAPSHOTTED = "snapshotted"
    REHEARSED = "rehearsed"
    SERVE = "serve"
    SERVE_AGAIN = "serve again"
    """A request of the trust domain that was served last."""
    ANSWERED = "answered"
    """The request has ended and the process is to be reverted at once."""
    ANSWERED_KEEP = "answered, keep"
    """The request has ended and the process may keep its state for its domain."""
    ANSWERED_FINISH = "answered, hooks next"
    """The request has ended, and hooks are to run before the process is reverted."""
    REVERT = "revert"
    REVERT_FINISH = "revert, hooks next"
    FINISHED = "finished"
    """The hooks before a restore have run."""
    RESTORED = "restored"
    RESTORED_EAGER = "restored, hooks next"
    """Reverted, and by configuration its hooks are to run at once."""
    HOOKED = "hooked"
    """The hooks have run."""
    RETIRE = "retire"


class Action(str, Enum):
    """What the worker does on a transition."""

    NONE = "none"
    SPAWN = "spawn"
    LISTEN = "listen"
    WARM = "warm"
    PREPARE = "prepare"
    SNAPSHOT = "snapshot"
    REHEARSE = "rehearse"
    SEND = "send"
    RESTORE = "restore"
    FINISH = "run the hooks before a restore"
    RUN_HOOKS = "run hooks"
    OFFER = "offer"
    """Tell the pool that a request may be handed over."""
    KILL = "kill"


class IllegalTransitionError(GroundhogError):
    """A worker was asked for what its state does not allow: a defect of Groundhog, not of the function."""


TABLE: dict[tuple[State, Event], tuple[State, Action]] = {
    (State.NEW, Event.START): (State.SPAWNING, Action.SPAWN),
    (State.SPAWNING, Event.SPAWNED): (State.LOADING, Action.LISTEN),
    (State.LOADING, Event.LOADED): (State.WARMING, Action.WARM),
    (State.WARMING, Event.WARMED): (State.PREPARING, Action.PREPARE),
    (State.PREPARING, Event.PREPARED): (State.SNAPSHOTTING, Action.SNAPSHOT),
    (State.PREPARING, Event.UNISOLATED): (State.CLEAN, Action.OFFER),
    (State.SNAPSHOTTING, Event.SNAPSHOTTED): (State.REHEARSING, Action.REHEARSE),
    (State.REHEARSING, Event.REVERT): (State.REVERTING, Action.RESTORE),
    (State.REVERTING, Event.RESTORED): (State.REHEARSING, Action.NONE),
    (State.REHEARSING, Event.REHEARSED): (State.CLEAN, Action.OFFER),
    (State.CLEAN, Event.SERVE): (State.RUNNING, Action.SEND),
    (State.KEPT, Event.SERVE_AGAIN): (State.RUNNING, Action.SEND),
    (State.RUNNING, Event.ANSWERED): (State.RESTORING, Action.RESTORE),
    (State.RUNNING, Event.ANSWERED_KEEP): (State.KEPT, Action.OFFER),
    (State.KEPT, Event.REVERT): (State.RESTORING, Action.RESTORE),
    (State.RUNNING, Event.ANSWERED_FINISH): (State.FINISHING, Action.FINISH),
    (State.KEPT, Event.REVERT_FINISH): (State.FINISHING, Action.FINISH),
    (State.FINISHING, Event.FINISHED): (State.RESTORING, Action.RESTORE),
    (State.RESTORING, Event.RESTORED): (State.CLEAN, Action.OFFER),
    (State.RESTORING, Event.RESTORED_EAGER): (State.HOOKING, Action.RUN_HOOKS),
    (State.HOOKING, Event.HOOKED): (State.CLEAN, Action.OFFER),
    **{(state, Event.RETIRE): (State.RETIRED, Action.KILL) for state in State if state is not State.RETIRED},
    (State.RETIRED, Event.RETIRE): (State.RETIRED, Action.NONE),
}

STARTED = frozenset({State.CLEAN, State.RUNNING, State.FINISHING, State.RESTORING, State.HOOKING, State.KEPT})
"""The states of a worker that has come up."""


def advance(state: State, event: Event) -> tuple[State, Action]:
    """What ``event`` makes of ``state``, and what is to be done; IllegalTransitionError if it cannot happen
    there.
    """
    try:
        return TABLE[state, event]
    except KeyError:
        raise IllegalTransitionError(
            f"event {event.value!r} cannot happen to a worker that is {state.value}"
        ) from None
