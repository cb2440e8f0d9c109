"""What ends a process on whose pipe the event loop has fallen asleep."""

from __future__ import annotations

import os
import socket
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from groundhog.worker.watchdog import LOOK_S, LOOKS, Watchdog

if TYPE_CHECKING:
    from collections.abc import Iterator

SPLICE = "275 "


@pytest.fixture
def watchdog() -> Iterator[Watchdog]:
    made = Watchdog()
    made.start()
    yield made
    made.stop()


def test_a_pipe_whose_lock_somebody_holds(watchdog: Watchdog) -> None:
    """A read that is not to wait sleeps where no signal reaches it, until the one who splices ends."""
    idle, peer = socket.socketpair()
    near, far = os.pipe()
    os.set_blocking(near, False)
    holder = threading.Thread(target=os.splice, args=(idle.fileno(), far, 10))
    holder.start()
    call = Path(f"/proc/self/task/{holder.native_id}/syscall")
    while not call.read_text("ascii").startswith(SPLICE):
        time.sleep(0.001)
    killed: list[float] = []

    def kill() -> None:
        killed.append(time.monotonic())
        peer.close()

    began = time.monotonic()
    with pytest.raises(BlockingIOError):
        watchdog.guard(os.getpid(), kill)(os.read, near, 1)
    assert killed[0] - began >= (LOOKS - 1) * LOOK_S
    holder.join()
    idle.close()
    os.close(near)
    os.close(far)


def test_a_call_that_a_signal_could_end_is_left_alone(watchdog: Watchdog) -> None:
    killed: list[int] = []
    assert watchdog.guard(1, lambda: killed.append(1))(time.sleep, (LOOKS + 1) * LOOK_S) is None
    assert killed == []


def test_what_a_call_answers_or_raises(watchdog: Watchdog) -> None:
    guard = watchdog.guard(1, pytest.fail)
    assert guard(divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        guard(divmod, 7, 0)
