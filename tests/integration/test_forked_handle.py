"""A fork of the program that started a process has a copy of its handle, which reaches nobody."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from groundhog._core import Tracee
from groundhog.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.kernel, pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")]

LIMIT = 5.0  # seconds; what waits in vain for the tracer waits for longer


def in_a_fork(do: Callable[[], None]) -> None:
    """Do it in a fork of this program, which must not fail."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            do()
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(pid, 0)[1] == 0


@pytest.mark.parametrize("command", ["snapshot", "restore", "start_restore", "verify", "changes"])
def test_a_copy_of_the_handle_is_refused(command: str) -> None:
    with Tracee.spawn(["sleep", "1000"], fds={}, trusted=True) as tracee:
        tracee.snapshot()

        def use() -> None:
            begun = time.monotonic()
            with pytest.raises(EngineError, match=r"is a copy made by fork\(\).*start another process here"):
                getattr(tracee, command)()
            assert time.monotonic() - begun < LIMIT

        in_a_fork(use)
        tracee.restore(verify=True)
        assert tracee.alive


def test_what_becomes_of_a_copy_leaves_the_process_alone() -> None:
    held = [Tracee.spawn(["sleep", "1000"], fds={}, trusted=True)]
    held[0].snapshot()

    def drop() -> None:
        begun = time.monotonic()
        held[0].close()
        held.clear()
        gc.collect()
        assert time.monotonic() - begun < LIMIT

    in_a_fork(drop)
    held[0].restore(verify=True)
    assert held[0].alive
    held[0].close()


# It is told of a signal in the middle of a fork, and forks then, too.
FORKS_TWICE = """
import os, signal

def ended(pid):
    if pid == 0:
        os._exit(0)
    return os.waitpid(pid, 0)[1] == 0

def handle(*_):
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    assert ended(os.fork())

signal.signal(signal.SIGUSR1, handle)
# Before ours is registered, so that it is called after that.
os.register_at_fork(before=lambda: signal.raise_signal(signal.SIGUSR1))
from groundhog import Tracee
with Tracee.spawn(["sleep", "1000"], fds={}, trusted=True) as tracee:
    tracee.snapshot()
    for _ in range(2):
        assert ended(os.fork())
    tracee.restore(verify=True)
    assert tracee.alive
"""


def test_a_fork_in_the_middle_of_another_does_not_wait_for_that() -> None:
    subprocess.run([sys.executable, "-c", FORKS_TWICE], check=True, timeout=LIMIT)
