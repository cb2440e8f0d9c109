"""Trials by a supervisor without privileges, which one program forks one after another."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from groundhog.audit.dropped import NOBODY, Nobody
from groundhog.audit.trials import Trial

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.kernel

TELLS = """
uid=$(id -u) supervisor=$(sed -n 's/^Uid:[[:space:]]*\\([0-9]*\\).*/\\1/p' "/proc/$PPID/status")
echo '{"ok": true}' >&3
while read -r request; do echo "{\\"uid\\": $uid, \\"supervisor\\": $supervisor, \\"pid\\": $PPID}" >&3; done
"""


def trial(script: str) -> Trial:
    return Trial(("/bin/sh", "-c", script), 2, jail=None)


@pytest.fixture
def nobody() -> Iterator[Nobody]:
    with Nobody() as running:
        yield running


def test_neither_the_function_nor_its_supervisor_is_root(nobody: Nobody) -> None:
    user = os.geteuid() or NOBODY
    seen = set()
    for _ in range(2):
        outcome = nobody.run(trial(TELLS))
        assert outcome.endings == ["restored"] * 2
        (answer,) = set(outcome.answers)
        assert answer is not None
        assert answer.startswith(f'{{"uid": {user}, "supervisor": {user}, ')
        seen.add(answer)
    assert len(seen) == 2, "each trial has a process of its own"


def test_one_that_fails_harms_no_other(nobody: Nobody) -> None:
    with pytest.raises(RuntimeError, match=r"no-such-program.*No such file or directory"):
        nobody.run(Trial(("/no-such-program",), 1, jail=None))
    with pytest.raises(RuntimeError, match=f"supervisor ended: wait status {int(signal.SIGKILL)}"):
        nobody.run(trial("kill -9 $PPID"))
    assert nobody.run(trial(TELLS)).endings == ["restored"] * 2


def test_a_program_that_has_ended(nobody: Nobody) -> None:
    nobody._program.kill()
    nobody._program.wait()
    with pytest.raises(RuntimeError, match="the unprivileged supervisor ended: exit code -9"):
        nobody.run(trial(TELLS))
