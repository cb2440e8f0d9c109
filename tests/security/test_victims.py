"""Each victim, request after request: every answer is the answer of a first request.

A page is hot once it was written twice, so that eight requests will do, half of which are restored at once,
half when they have settled.
GROUNDHOG_VICTIM_REQUESTS says how many. Those that are tried in full get a thousand, in which hot pages are
sampled; `pytest -m slow` gives each a thousand.
"""

from __future__ import annotations

import functools
import itertools
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

import groundhog
from groundhog.audit.catalog import VICTIMS, Expected, Victim
from groundhog.audit.dropped import Nobody
from groundhog.audit.inventory import ADVICE, FILES, LAYOUT, MEMORY, SHARED, UNTRACKED, WRITTEN
from groundhog.audit.trials import NO_SNAPSHOT, Outcome, Trial, run_plain, run_traced
from tests.framework.workshop import SharedWorkshop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from _pytest.mark.structures import MarkDecorator, ParameterSet

    from groundhog.audit.workshop import Workshop

    FirstAnswer = Callable[[Victim], str | None]
    Run = Callable[[str, Trial], Outcome]

pytestmark = pytest.mark.kernel

REQUESTS = int(os.environ.get("GROUNDHOG_VICTIM_REQUESTS", "8"))
THOUSAND = 1000
BULKY = 30  # requests, at most, of a victim each of whose requests is much work
REPLACED = 3  # requests to a victim that is replaced after each, so that each is a first one
MANY = 200  # rounds that take longer than a quick test may
AS_IS, DROPPED = "as-is", "dropped"  # the supervisor's privileges
UNTIL_LEAK = 200  # requests within which a victim must show its leak
MEMORY_STATE = (MEMORY, LAYOUT, ADVICE, FILES, SHARED, UNTRACKED)  # what a strategy is about


def case(name: str, victim: Victim, *words: object, marks: Iterable[MarkDecorator] = ()) -> ParameterSet:
    """One try of a victim. All of them are made by one worker, which knows its first answer."""
    return pytest.param(victim, *words, id=name, marks=[pytest.mark.xdist_group(victim.name), *marks])


def is_slow(victim: Victim) -> bool:
    """Whether it takes seconds: a hundred requests, or as much work in one."""
    return victim.rounds > 0 or victim.bulky


def strategies() -> list[str]:
    """Those to test: as the environment says, else every one that works here and is not the default."""
    named = os.environ.get("GROUNDHOG_TEST_STRATEGIES")
    if named:
        return named.split(",")
    found = groundhog.capabilities()
    return [
        name
        for name, refusal in found["strategies"].items()
        if refusal is None and name != found["preferred"]
    ]


def each_strategy() -> list[ParameterSet]:
    """Victims of memory, each by one of the strategies in turn; other tries, and long ones, are slow."""
    others, params = strategies(), []
    for count, victim in enumerate(victim for victim in VICTIMS if victim.leaves in MEMORY_STATE):
        for number, strategy in enumerate(others):
            is_quick = count % len(others) == number and not is_slow(victim)
            marks = [] if is_quick else [pytest.mark.slow]
            params.append(case(f"{victim.name}-{strategy}", victim, strategy, marks=marks))
    return params


@pytest.fixture(scope="session")
def workshop() -> Iterator[Workshop]:
    made = SharedWorkshop()
    yield made
    made.close()


@pytest.fixture(scope="session")
def first_answer(workshop: Workshop) -> FirstAnswer:
    """What a victim answers to the first request of its life, without any engine."""

    @functools.cache
    def ask(victim: Victim) -> str | None:
        if victim.isolated_answer:
            return victim.isolated_answer
        server, patience = workshop.server(victim), victim.answer_timeout
        return run_plain(Trial(workshop.command(victim), 1, answer_timeout=patience, server=server))[0]

    return ask


@pytest.fixture(scope="session")
def run() -> Iterator[Run]:
    """Run a trial by such a supervisor."""
    with Nobody() as nobody:
        by = {AS_IS: run_traced, DROPPED: nobody.run}
        yield lambda supervisor, trial: by[supervisor](trial)


def check(victim: Victim, outcome: Outcome, first: str | None) -> None:
    """Judge a trial; `first` is the answer that every one must equal."""
    if victim.sees_engine and outcome.answers:
        first = outcome.answers[0]
    differing = sorted({str(answer) for answer in outcome.answers if answer != first})
    assert differing == [], f"{victim.name} saw an earlier request; a first one sees {first}"
    assert outcome.survivors == [], f"{victim.name} left processes running"
    endings = set(outcome.endings)
    match victim.expected:
        case Expected.REVERT:
            assert endings == {"restored"}, outcome.refusals
        case Expected.RETIRE:
            assert "restored" not in endings
            assert first is not None
        case Expected.SAFE:
            assert first is not None
        case Expected.REFUSED:
            assert endings == {NO_SNAPSHOT}, outcome.refusals
        case Expected.NO_ANSWER:
            assert first is None
            assert "restored" not in endings


def trial_of(
    victim: Victim,
    workshop: Workshop,
    requests: int,
    *,
    verify: bool,
    strategy: str | None = None,
    watch: bool = True,
) -> Trial:
    if victim.expected is Expected.RETIRE:
        requests = min(requests, REPLACED)
    if victim.bulky:
        requests = min(requests // 2, BULKY)
    return Trial(
        workshop.command(victim),
        victim.requests(requests),
        verify,
        strategy,
        victim.answer_timeout,
        victim.jail,
        workshop.server(victim),
        watch,
    )


def without_isolation() -> list[ParameterSet]:
    """Every victim that may run without; some are root's."""
    leave = pytest.mark.may_skip("only root can do what it does")
    return [
        case(victim.name, victim, marks=[leave] if victim.root_only else [])
        for victim in VICTIMS
        if not victim.isolated_answer
    ]


@pytest.mark.parametrize("victim", without_isolation())
def test_without_isolation_a_later_answer_differs(victim: Victim, workshop: Workshop) -> None:
    if victim.root_only and os.geteuid() != 0:
        pytest.skip("only root can do what it does, so that nothing is left to see")
    patience, server = victim.answer_timeout, workshop.server(victim)
    requests = max(UNTIL_LEAK, victim.rounds)
    answers = run_plain(Trial(workshop.command(victim), requests, answer_timeout=patience, server=server))
    if victim.expected is Expected.NO_ANSWER:
        assert answers == [None]
    else:
        assert answers[0] is not None
        assert answers[-1] != answers[0], (
            f"{victim.name} proves nothing: it sees no earlier request unisolated"
        )


@dataclass(frozen=True)
class Way:
    """How a victim is served."""

    supervisor: str  # its privileges
    verify: bool
    watch: bool  # the kernel tells of calls that change the layout

    def __str__(self) -> str:
        words = ("verifying" if self.verify else "trusting", *([] if self.watch else ["unwatched"]))
        return "-".join((self.supervisor, *words))


WAYS = [Way(*words) for words in itertools.product((AS_IS, DROPPED), (False, True), (True, False))]
# Each victim is tried in one of these by turns, a slow one in the last; all are slow tests.
QUICK = (
    Way(AS_IS, True, True),
    Way(DROPPED, False, False),
    Way(DROPPED, False, True),
    Way(AS_IS, False, False),
)
QUICK_IF_SLOW = Way(AS_IS, False, True)


def every_way() -> list[ParameterSet]:
    params = []
    for way, (count, victim) in itertools.product(WAYS, enumerate(VICTIMS)):
        quick = QUICK_IF_SLOW if is_slow(victim) else QUICK[count % len(QUICK)]
        marks = [] if way == quick and victim.rounds <= MANY else [pytest.mark.slow]
        params.append(case(f"{victim.name}-{way}", victim, way, marks=marks))
    return params


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("victim", "way"), every_way())
def test_every_answer_is_a_first_answer(
    victim: Victim, workshop: Workshop, first_answer: FirstAnswer, run: Run, way: Way
) -> None:
    # To verify a thousand times takes half a minute, and shows no more than to verify some.
    requests = THOUSAND if victim.full and not way.verify else REQUESTS
    outcome = run(way.supervisor, trial_of(victim, workshop, requests, verify=way.verify, watch=way.watch))
    check(victim, outcome, first_answer(victim))
    assert all(report["verified"] == way.verify for report in outcome.reports)


@pytest.mark.parametrize(("victim", "strategy"), each_strategy())
def test_with_each_strategy(
    victim: Victim, workshop: Workshop, first_answer: FirstAnswer, run: Run, strategy: str
) -> None:
    outcome = run(AS_IS, trial_of(victim, workshop, REQUESTS, verify=True, strategy=strategy))
    check(victim, outcome, first_answer(victim))
    assert {report["strategy"] for report in outcome.reports} <= {strategy}


def in_each_jail() -> list[ParameterSet]:
    """The victims that leave files, in the jails that they can be tried in.

    Namespaces are what every victim is tried in where they work, so that here they are slow tests.
    """
    params = []
    for jail in ("namespace", "landlock"):
        tried = [v for v in VICTIMS if v.leaves == WRITTEN and (jail == "namespace" or not v.namespace_only)]
        marks = [pytest.mark.slow] if jail == "namespace" else []
        params += [
            case(f"{victim.name}-{supervisor}-{jail}", victim, supervisor, jail, marks=marks)
            for victim in tried
            for supervisor in (AS_IS, DROPPED)
        ]
    return params


@pytest.mark.parametrize(("victim", "supervisor", "jail"), in_each_jail())
def test_files_in_each_jail(
    victim: Victim, workshop: Workshop, first_answer: FirstAnswer, run: Run, supervisor: str, jail: str
) -> None:
    outcome = run(supervisor, replace(trial_of(victim, workshop, REQUESTS, verify=True), jail=jail))
    # Landlock refuses some of what is reverted, or costs the process, by namespaces.
    expected = victim.expected if jail == "namespace" else Expected.SAFE
    check(replace(victim, expected=expected), outcome, first_answer(victim))


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("victim", [case(f"{victim.name}-{DROPPED}", victim) for victim in VICTIMS])
def test_a_thousand_requests(victim: Victim, workshop: Workshop, first_answer: FirstAnswer, run: Run) -> None:
    outcome = run(DROPPED, trial_of(victim, workshop, THOUSAND, verify=False))
    check(victim, outcome, first_answer(victim))
