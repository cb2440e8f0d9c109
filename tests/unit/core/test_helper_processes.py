"""How the helper processes of libraries end (groundhog.runners.bootstrap.processes)."""

from __future__ import annotations

import threading
from multiprocessing import resource_tracker
from typing import TYPE_CHECKING, Any

from groundhog.runners.bootstrap import processes

if TYPE_CHECKING:
    import pytest


def test_a_thread_may_ask_for_the_tracker_while_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a finalizer does: whoever asks gets another one, and its pipe is its own."""
    tracker: Any = resource_tracker.ResourceTracker()
    monkeypatch.setattr(resource_tracker, "_resource_tracker", tracker)
    tracker.ensure_running()
    kill = processes._kill
    asks = threading.Thread(target=tracker.ensure_running)

    def kill_slowly(pid: int) -> None:
        kill(pid)
        asks.start()
        asks.join(0.2)  # it gets the processor, and may come in between

    monkeypatch.setattr(processes, "_kill", kill_slowly)
    processes.end()
    asks.join()
    monkeypatch.setattr(processes, "_kill", kill)
    processes.end()
    assert tracker._pid is None
    assert tracker._fd is None
