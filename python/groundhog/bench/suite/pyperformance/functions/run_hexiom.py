"""Solves a board of the game Hexiom; its program checks the solution."""

from __future__ import annotations

from typing import Any

from groundhog.bench.suite.pyperformance.loading import benchmark

_benchmark = benchmark("hexiom")
_LEVEL = 25


def main(_: dict[str, Any]) -> dict[str, Any]:
    """Solve one level."""
    _benchmark.main(1, _LEVEL)
    return {"solved": _LEVEL}
