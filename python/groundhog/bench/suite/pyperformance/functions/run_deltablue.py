"""Solves systems of constraints; its program checks the solutions."""

from __future__ import annotations

from typing import Any

from groundhog.bench.suite.pyperformance.loading import benchmark

_benchmark = benchmark("deltablue")


def main(_: dict[str, Any]) -> dict[str, Any]:
    """Solve a chain and a projection of 50 constraints."""
    _benchmark.delta_blue(50)
    return {"solved": 50}
