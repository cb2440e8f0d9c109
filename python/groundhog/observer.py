"""How a pool tells others what happens in it: metrics and the command line listen here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from groundhog.config import Timings
    from groundhog.worker.engine import Report, Snapshot


class Observer(Protocol):
    """Called on the event loop, at once, so each method must be quick and must not raise."""

    def on_request(self, outcome: str, timings: Timings) -> None:
        """A request has ended. ``outcome``: "ok", or the name of the error class that the caller got."""

    def on_snapshot(self, info: Snapshot) -> None:
        """A worker has taken its snapshot."""

    def on_restore(self, report: Report) -> None:
        """A worker has been reverted after a request."""

    def on_retire(self, reason: str, message: str) -> None:
        """A worker's process is gone. ``reason`` is a short, stable code; it labels metrics."""


class NullObserver:
    """Listens to nothing; derive from it to listen to some events only."""

    def on_request(self, outcome: str, timings: Timings) -> None:
        """Do nothing."""

    def on_snapshot(self, info: Snapshot) -> None:
        """Do nothing."""

    def on_restore(self, report: Report) -> None:
        """Do nothing."""

    def on_retire(self, reason: str, message: str) -> None:
        """Do nothing."""
