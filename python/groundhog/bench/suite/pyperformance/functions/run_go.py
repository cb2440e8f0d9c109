"""Finds the next move in a game of Go by random games."""

from __future__ import annotations

from typing import Any

from groundhog.bench.suite.pyperformance.loading import benchmark

_benchmark = benchmark("go")
_benchmark.GAMES = 60


def main(_: dict[str, Any]) -> dict[str, Any]:
    """Play 60 games; the move."""
    return {"move": _benchmark.versus_cpu()}
