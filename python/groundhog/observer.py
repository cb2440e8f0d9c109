"""How a pool tells others what happens in it: metrics and the command line listen here."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from groundhog.config import Timings
    from groundhog.worker.engine import RestoreReport, SnapshotInfo


class Observer(Protocol):
    """Called on the event loop, at once, so each method must be quick. What it raises is only logged."""

    def on_request(self, outcome: str, timings: Timings) -> None:
        """A request has ended. ``outcome``: "ok", or the name of the error class that the caller got."""

    def on_snapshot(self, info: SnapshotInfo) -> None:
        """A worker has taken its snapshot."""

    def on_restore(self, report: RestoreReport) -> None:
        """A worker has been reverted after a request."""

    def on_retire(self, reason: str, message: str) -> None:
        """A worker's process is gone. ``reason`` is a short, stable code; it labels metrics."""


class NullObserver:
    """Listens to nothing; derive from it to listen to some events only."""

    def on_request(self, outcome: str, timings: Timings) -> None:
        """Do nothing."""

    def on_snapshot(self, info: SnapshotInfo) -> None:
        """Do nothing."""

    def on_restore(self, report: RestoreReport) -> None:
        """Do nothing."""

    def on_retire(self, reason: str, message: str) -> None:
        """Do nothing."""


class Endings(NullObserver):
    """What becomes of processes after requests: the reports of restores, the reasons of retirements."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[RestoreReport | str] = asyncio.Queue()

    def on_restore(self, report: RestoreReport) -> None:
        """Keep the report."""
        self.events.put_nowait(report)

    def on_retire(self, reason: str, message: str) -> None:
        """Keep the reason."""
        self.events.put_nowait(f"{reason}: {message}")

    def known(self) -> list[RestoreReport | str]:
        """What has happened since it was last asked for."""
        return [self.events.get_nowait() for _ in range(self.events.qsize())]

    def retirement(self) -> str | None:
        """Why a process was retired, of what has happened since then; None if none was."""
        return next((event for event in self.known() if isinstance(event, str)), None)
