"""Nothing that a function does keeps its server from ending, nor the handle of a process from closing."""

from __future__ import annotations

import gc
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from groundhog import Tracee
from groundhog.audit.catalog import VICTIMS
from tests.framework.commands import served
from tests.framework.workshop import SharedWorkshop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from groundhog.audit.workshop import Workshop

pytestmark = pytest.mark.kernel

LIMIT_S = 45  # what a handle may take at most, on a loaded machine, to close
TRIES = 40
# What makes a tracer wait where it can: urgent data, pipes that have to be filled again, locks, storms.
OBSTINATE = (
    "c-pair_urgent",
    "c-pipe_reopened",
    "c-child_pipe",
    "c-pipe_slots",
    "c-child_locks",
    "c-fork_storm",
    "c-interrupted_poll",
    "c-listener_unix",
    "c-splits_flood",
    "c-datagrams_dropped",
)


@pytest.fixture(scope="module")
def workshop() -> Iterator[Workshop]:
    made = SharedWorkshop()
    yield made
    made.close()


@pytest.mark.parametrize("name", OBSTINATE)
def test_a_server_ends_whatever_its_function_did(name: str, workshop: Workshop) -> None:
    (victim,) = (found for found in VICTIMS if found.name == name)
    command = ["--jail", victim.jail or "none", "--", *workshop.command(victim)]
    with served("serve", "--workers", "1", *command) as server:
        for number in range(3):
            # Whatever it answers, if it does: the process may be replaced meanwhile.
            server.client.post("/", json={"secret": f"Q{number:07d}"})
        assert server.stop() == 0  # within its limit


def test_a_handle_closes_although_somebody_else_waited_for_the_process() -> None:
    """Whose wait takes the events that the tracer waits for, now and then."""
    for _ in range(TRIES):
        process = subprocess.Popen(
            [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE
        )
        tracee = Tracee.attach(process.pid)
        tracee.snapshot()
        process.kill()
        process.wait()
        begun = time.monotonic()
        del tracee
        gc.collect()
        assert time.monotonic() - begun < LIMIT_S
        assert process.stdin is not None
        process.stdin.close()
