"""What has happened in one pool: counted, and told to its observer."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from groundhog._log import log
from groundhog.config import Timings

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import TypeVarTuple, Unpack

    from groundhog.errors import GroundhogError
    from groundhog.observer import Observer
    from groundhog.worker.engine import RestoreReport, SnapshotInfo

    _Args = TypeVarTuple("_Args")


@dataclass(frozen=True, slots=True)
class PoolStats:
    """Counts of one pool since it started; sizes in bytes."""

    workers: dict[str, int]
    """By state, such as ``clean``, ``running``, ``restoring``, ``loading``."""
    queue_length: int
    requests: int
    errors: dict[str, int]
    """Requests that failed, by the name of the error class."""
    retirements: dict[str, int]
    """Processes that were given up, by reason."""
    restores: int
    snapshot_bytes: int
    """Memory held by the snapshots of all workers."""
    connections: str = ""
    """What becomes of processes whose connections requests used, and why; empty as long as none was used."""


class Ledger:
    """The counts of a pool since it was made. ``observer``: is told of each of them."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self.requests = 0
        self.restores = 0
        self.errors: Counter[str] = Counter()
        """Requests that failed, by the name of the error class."""
        self.retirements: Counter[str] = Counter()
        """Processes that were given up, by reason."""
        self.quiet = asyncio.Event()
        """Every request that was accepted has ended."""
        self.quiet.set()
        self._unanswered = 0

    def accepted(self) -> None:
        """A request has been queued."""
        self._unanswered += 1
        self.quiet.clear()

    def answered(self, outcome: str, timings: Timings) -> None:
        """A request that was accepted has ended; ``outcome`` as in `Observer.on_request`."""
        self._unanswered -= 1
        if not self._unanswered:
            self.quiet.set()
        self._ended(outcome, timings)

    def refused(self, error: GroundhogError) -> GroundhogError:
        """A request was not accepted; the error, to be raised."""
        self._ended(type(error).__name__, Timings(0.0, 0.0))
        return error

    def restored(self, report: RestoreReport) -> None:
        """A process has been reverted after a request."""
        self.restores += 1
        self._tell(self._observer.on_restore, report)

    def retired(self, reason: str, message: str) -> None:
        """A process has been given up."""
        self.retirements[reason] += 1
        self._tell(self._observer.on_retire, reason, message)

    def snapshotted(self, info: SnapshotInfo) -> None:
        """A process has taken its snapshot."""
        self._tell(self._observer.on_snapshot, info)

    def stats(
        self, *, workers: dict[str, int], queue_length: int, snapshot_bytes: int, connections: str
    ) -> PoolStats:
        """The counts, beside what the pool knows of this moment."""
        return PoolStats(
            workers=workers,
            queue_length=queue_length,
            requests=self.requests,
            errors=dict(self.errors),
            retirements=dict(self.retirements),
            restores=self.restores,
            snapshot_bytes=snapshot_bytes,
            connections=connections,
        )

    def _ended(self, outcome: str, timings: Timings) -> None:
        self.requests += 1
        if outcome != "ok":
            self.errors[outcome] += 1
        self._tell(self._observer.on_request, outcome, timings)

    @staticmethod
    def _tell(method: Callable[[Unpack[_Args]], None], *arguments: Unpack[_Args]) -> None:
        """Tell the observer. What is wrong with that one must not stop a worker between two states."""
        try:
            method(*arguments)
        # Also what asks for the result of a future that was cancelled raises.
        except (Exception, asyncio.CancelledError):  # noqa: BLE001  (logged with its traceback)
            log.exception("an observer raised")
