"""Prometheus metrics of one pool.

Each application has a registry of its own, so several fit into one process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from groundhog.observer import NullObserver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from prometheus_client.metrics_core import Metric

    from groundhog.config import Timings
    from groundhog.pool import PoolStats
    from groundhog.worker.engine import RestoreReport, SnapshotInfo

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
REQUEST_BUCKETS = (
    0.0001,
    0.00025,
    0.0005,
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1,
    2.5,
    5,
    10,
    30,
    60,
)
RESTORE_BUCKETS = (
    25e-6,
    50e-6,
    75e-6,
    1e-4,
    1.5e-4,
    2.5e-4,
    5e-4,
    1e-3,
    2.5e-3,
    5e-3,
    1e-2,
    2.5e-2,
    0.1,
    0.5,
    1,
)
PAGE_BUCKETS = (10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 50_000, 250_000)


class Metrics(NullObserver):
    """What a pool did, as its observer, and what it is now, asked when the metrics are read."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.strategy: str | None = None
        self._requests = Counter(
            "groundhog_requests",
            "Requests by outcome: ok, error for a function that failed, or the class of the error",
            ["outcome"],
            registry=self.registry,
        )
        self._queue_seconds = self._histogram("queue_seconds", "Waiting for a clean worker", REQUEST_BUCKETS)
        self._run_seconds = self._histogram(
            "request_seconds", "In the function, until its whole answer", REQUEST_BUCKETS
        )
        self._restore_seconds = self._histogram(
            "restore_seconds", "Reverting a process after a request", RESTORE_BUCKETS
        )
        # A dozen labelled counters would take longer than the restore: summed here, shown when asked.
        self._phases: dict[str, float] = {}
        self._dirty = self._histogram("dirty_pages", "Pages that a request wrote", PAGE_BUCKETS)
        self._answers = Counter(
            "groundhog_answers",
            "Answers by HTTP status, also of requests that came to no function; gone: the client left before",
            ["status"],
            registry=self.registry,
        )
        self._retirements = Counter(
            "groundhog_retirements",
            "Processes killed and replaced, by reason",
            ["reason"],
            registry=self.registry,
        )
        self._shut = Counter(
            "groundhog_connections_shut",
            "Connections older than the requests that were shut down, since one of these had used them",
            registry=self.registry,
        )
        ProcessCollector(registry=self.registry)

    def _histogram(self, name: str, help_: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(f"groundhog_{name}", help_, buckets=buckets, registry=self.registry)

    def watch(self, stats: Callable[[], PoolStats]) -> None:
        """Report the pool's present state too, whenever the metrics are read."""
        self.registry.register(_Now(stats, self._phases))

    def on_request(self, outcome: str, timings: Timings) -> None:
        """Count a request that has ended."""
        self._requests.labels(outcome).inc()
        self._queue_seconds.observe(timings.queue_s)
        self._run_seconds.observe(timings.run_s)

    def on_answer(self, status: str) -> None:
        """Count what a client was answered, if it was."""
        self._answers.labels(status).inc()

    def on_snapshot(self, info: SnapshotInfo) -> None:
        """Note how dirty pages are tracked."""
        self.strategy = info.strategy

    def on_restore(self, report: RestoreReport) -> None:
        """Count a restore."""
        self._restore_seconds.observe(report.duration)
        self._dirty.observe(report.pages_dirty)
        if report.connections_shut:
            self._shut.inc(report.connections_shut)
        for phase, seconds in report.phases.items():
            self._phases[phase] = self._phases.get(phase, 0.0) + seconds

    def on_retire(self, reason: str, message: str) -> None:  # noqa: ARG002  (the message is in the log)
        """Count a process that was given up."""
        self._retirements.labels(reason).inc()

    def text(self) -> bytes:
        """Return everything in Prometheus's text format."""
        return generate_latest(self.registry)


class _Now(Collector):
    """What is put together only when it is asked for."""

    def __init__(self, stats: Callable[[], PoolStats], phases: Mapping[str, float]) -> None:
        self._stats = stats
        self._phases = phases

    def collect(self) -> Iterator[Metric]:
        stats = self._stats()
        yield GaugeMetricFamily("groundhog_queue_length", "Requests waiting for a worker", stats.queue_length)
        yield GaugeMetricFamily("groundhog_snapshot_bytes", "Memory held by snapshots", stats.snapshot_bytes)
        workers = GaugeMetricFamily("groundhog_workers", "Workers by state", labels=["state"])
        for state, count in stats.workers.items():
            workers.add_metric([state], count)
        yield workers
        phases = CounterMetricFamily(
            "groundhog_restore_phase_seconds", "Restore time by phase", labels=["phase"]
        )
        for phase, seconds in self._phases.items():
            phases.add_metric([phase], seconds)
        yield phases
