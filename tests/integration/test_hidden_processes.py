"""A supervisor without privileges follows also what `/proc` hides from it (`hidepid`)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from groundhog.audit.catalog import VICTIMS
from groundhog.audit.dropped import Nobody
from groundhog.audit.trials import Trial, run_through
from tests.framework.workshop import SharedWorkshop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from groundhog.audit.workshop import Workshop

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount another /proc"),
    pytest.mark.may_skip("an unprivileged run cannot mount another /proc"),
]

# An instance of its own: the options of one are the same wherever it is mounted.
HIDING = (
    "unshare",
    "--mount",
    "sh",
    "-c",
    'mount -t proc -o hidepid=2 proc /proc && exec "$@"',
    "sh",
)


@pytest.fixture(scope="module")
def workshop() -> Iterator[Workshop]:
    made = SharedWorkshop()
    yield made
    made.close()


@pytest.mark.parametrize("jail", ["landlock", "namespace", None])
@pytest.mark.parametrize("name", ["child_hidden", "child_daemon", "threads_started", "children"])
def test_children_and_threads_end_with_their_request(workshop: Workshop, name: str, jail: str | None) -> None:
    (victim,) = [victim for victim in VICTIMS if (victim.language, victim.source) == ("c", name)]
    trial = Trial(workshop.command(victim), 6, verify=True, jail=jail)
    (first, *others) = run_through(trial)
    assert set(others) != {first}, "without isolation it leaks"
    with Nobody(HIDING) as nobody:
        outcome = nobody.run(trial)
    assert outcome.endings == ["restored"] * 6, outcome.refusals
    assert set(outcome.answers) == {first}
    assert outcome.survivors == []
