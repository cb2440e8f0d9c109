"""A fork of the program that started a process has a copy of its handle, which reaches nobody."""

from __future__ import annotations

import gc
import os
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
