"""Simulates the core of an operating system; its program checks the counts."""

from __future__ import annotations

from typing import Any

from groundhog.bench.suite.pyperformance.loading import benchmark

_benchmark = benchmark("richards")


def main(_: dict[str, Any]) -> dict[str, Any]:
    """Run the simulation once; how many packets were queued, and tasks held."""
    right = _benchmark.Richards().run(1)
    area = _benchmark.taskWorkArea
    return {"right": right, "queued": area.qpktCount, "held": area.holdCount}
