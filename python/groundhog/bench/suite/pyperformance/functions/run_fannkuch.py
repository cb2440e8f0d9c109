"""Counts how often permutations have to be flipped."""

from __future__ import annotations

from typing import Any

from groundhog.bench.suite.pyperformance.loading import benchmark

_benchmark = benchmark("fannkuch")


def main(_: dict[str, Any]) -> dict[str, Any]:
    """Try all permutations of eight numbers."""
    return {"most_flips": _benchmark.fannkuch(8)}
