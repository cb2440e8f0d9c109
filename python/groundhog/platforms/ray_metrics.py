"""Metrics of a pool in a replica of Ray Serve, under the names that they have in ``platforms.metrics``.

Ray exports them for Prometheus with its own prefix, ``ray_``, and with the application, the deployment and
the replica that they are of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundhog.observer import NullObserver
from groundhog.platforms.metrics import PAGE_BUCKETS, REQUEST_BUCKETS, RESTORE_BUCKETS

if TYPE_CHECKING:
    from types import ModuleType

    from groundhog.config import Timings
    from groundhog.pool import PoolStats
    from groundhog.worker.engine import RestoreReport


class RayMetrics(NullObserver):
    """Tells Ray what a pool does, as its observer, and what it is whenever `show` is called.

    Args:
        metrics: the module ``ray.serve.metrics``, or what has its classes.
    """

    def __init__(self, metrics: ModuleType) -> None:
        counter, gauge, histogram = metrics.Counter, metrics.Gauge, metrics.Histogram
        # Ray adds "_total" to counters, as Prometheus's own library does.
        self._requests = counter("groundhog_requests", "Requests by outcome", ("outcome",))
        self._answers = counter("groundhog_answers", "Answers by HTTP status", ("status",))
        self._retirements = counter(
            "groundhog_retirements", "Processes killed and replaced, by reason", ("reason",)
        )
        self._shut = counter("groundhog_connections_shut", "Connections shut down after a request used them")
        self._queue_seconds = histogram(
            "groundhog_queue_seconds", "Waiting for a clean worker", list(REQUEST_BUCKETS)
        )
        self._run_seconds = histogram(
            "groundhog_request_seconds", "In the function, until its whole answer", list(REQUEST_BUCKETS)
        )
        self._restore_seconds = histogram(
            "groundhog_restore_seconds", "Reverting a process after a request", list(RESTORE_BUCKETS)
        )
        self._dirty = histogram("groundhog_dirty_pages", "Pages that a request wrote", list(PAGE_BUCKETS))
        self._workers = gauge("groundhog_workers", "Workers by state", ("state",))
        self._queue_length = gauge("groundhog_queue_length", "Requests waiting for a worker")
        self._snapshot_bytes = gauge("groundhog_snapshot_bytes", "Memory held by snapshots")
        self._states: set[str] = set()

    def on_request(self, outcome: str, timings: Timings) -> None:
        """Count a request that has ended."""
        self._requests.inc(tags={"outcome": outcome})
        self._queue_seconds.observe(timings.queue_s)
        self._run_seconds.observe(timings.run_s)

    def on_answer(self, status: str) -> None:
        """Count what a client was answered, if it was."""
        self._answers.inc(tags={"status": status})

    def on_restore(self, report: RestoreReport) -> None:
        """Count a restore."""
        self._restore_seconds.observe(report.duration)
        self._dirty.observe(report.pages_dirty)
        if report.connections_shut:
            self._shut.inc(report.connections_shut)

    def on_retire(self, reason: str, message: str) -> None:  # noqa: ARG002  (the message is in the log)
        """Count a process that was given up."""
        self._retirements.inc(tags={"reason": reason})

    def show(self, stats: PoolStats) -> None:
        """Tell what the pool is now."""
        self._queue_length.set(stats.queue_length)
        self._snapshot_bytes.set(stats.snapshot_bytes)
        self._states |= set(stats.workers)
        for state in self._states:  # one that no worker is in any more is 0, not what it was
            self._workers.set(stats.workers.get(state, 0), tags={"state": state})
