"""What metrics say of the time between two looks, compared with what their own library makes of them."""

from __future__ import annotations

import pytest

from groundhog.cli.readings import Interval, Reading
from groundhog.config import Timings
from groundhog.platforms.metrics import Metrics


def look(metrics: Metrics) -> Reading:
    return Reading.of(metrics.text().decode())


def timings(run_s: float) -> Timings:
    return Timings(queue_s=0.001, run_s=run_s, restore_s=0.0)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


def test_what_happened_before_does_not_count(metrics: Metrics) -> None:
    for _ in range(10):
        metrics.on_request("error", timings(30))
    before = look(metrics)
    for _ in range(4):
        metrics.on_request("ok", timings(0.004))
    seen = Interval(before, look(metrics), 2.0)
    assert seen.rates("requests") == {"ok": 2.0}
    assert seen.mean("request_seconds") == pytest.approx(0.004)
    assert seen.quantile("request_seconds", 0.5) == pytest.approx(0.00375)  # between 2.5 and 5 ms
    assert look(metrics).all("requests") == {"ok": 4.0, "error": 10.0}


def test_in_quiet_times_there_is_nothing_to_tell(metrics: Metrics) -> None:
    seen = Interval(look(metrics), look(metrics), 1.0)
    assert seen.rates("requests") == {}
    assert seen.mean("request_seconds") is None
    assert seen.quantile("request_seconds", 0.95) is None
    assert seen.phases() == {}


def test_quantiles_lie_in_their_buckets(metrics: Metrics) -> None:
    before = look(metrics)
    for run_s in (0.0002, 0.0004, 0.04, 200.0):
        metrics.on_request("ok", timings(run_s))
    seen = Interval(before, look(metrics), 1.0)
    assert seen.quantile("request_seconds", 0.25) == pytest.approx(0.00025)
    assert seen.quantile("request_seconds", 0.5) == pytest.approx(0.0005)
    assert seen.quantile("request_seconds", 0.75) == pytest.approx(0.05)
    assert seen.quantile("request_seconds", 0.99) == 60, "the last bound that is one"


def test_a_server_that_has_started_anew_counts_from_nothing(metrics: Metrics) -> None:
    for _ in range(10):
        metrics.on_request("ok", timings(0.004))
    anew = Metrics()
    anew.on_request("ok", timings(0.004))
    assert Interval(look(metrics), look(anew), 1.0).rates("requests") == {"ok": 1.0}


def test_what_is_no_metrics_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\S"):
        Reading.of("<html>a page</html> {")
