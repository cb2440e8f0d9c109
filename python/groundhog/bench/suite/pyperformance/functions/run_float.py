"""Normalizes points, and finds the largest of their coordinates."""

from __future__ import annotations

from typing import Any

from groundhog.bench.suite.pyperformance.loading import benchmark

_benchmark = benchmark("float")


def main(_: dict[str, Any]) -> dict[str, Any]:
    """Make 100,000 points; the largest coordinates."""
    point = _benchmark.benchmark(100_000)
    return {"point": f"{point.x:.9f} {point.y:.9f} {point.z:.9f}"}
