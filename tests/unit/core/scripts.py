"""Scripted functions for tests of pools, and an observer that remembers."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import groundhog
from groundhog import Function

if TYPE_CHECKING:
    from collections.abc import Callable

    from groundhog.testing import Call

FUNCTION = Function.from_command(["true"], ack="require")
"""Any program: a fake engine runs a function of the test in its place."""


def count(params: Any, call: Call) -> dict[str, Any]:
    """How many requests it has seen since its snapshot, and what it was sent."""
    call.state["n"] = call.state.get("n", 0) + 1
    return {"n": call.state["n"], "params": params}


class Recorder(groundhog.NullObserver):
    def __init__(self) -> None:
        self.outcomes: list[str] = []
        self.reports: list[Any] = []
        self.snapshots: list[Any] = []
        self.retired: list[tuple[str, str]] = []
        self.changed = asyncio.Event()

    def on_request(self, outcome: str, timings: groundhog.Timings) -> None:
        assert timings.queue_s >= 0
        self.outcomes.append(outcome)
        self.changed.set()

    def on_snapshot(self, info: Any) -> None:
        self.snapshots.append(info)

    def on_restore(self, report: Any) -> None:
        self.reports.append(report)
        self.changed.set()

    def on_retire(self, reason: str, message: str) -> None:
        self.retired.append((reason, message))
        self.changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self.changed.clear()
            await self.changed.wait()


class Gate:
    """A function that waits, for each request, until the test lets it go on."""

    def __init__(self) -> None:
        self.started = threading.Semaphore(0)
        self.release = threading.Semaphore(0)
        self.order: list[Any] = []

    def __call__(self, params: Any, call: Call) -> dict[str, Any]:
        self.order.append(params)
        self.started.release()
        while not self.release.acquire(timeout=0.01):
            if call.killed.is_set():
                call.exit(1)
        return count(params, call)

    async def entered(self) -> None:
        await asyncio.to_thread(self.started.acquire)
