"""Solves systems of constraints; its program checks the solutions."""

from __future__ import annotations

from typing import Any

from groundhog.bench.suite.pyperformance.loading import benchmark

_benchmark = benchmark("deltablue")
_printed: list[str] = []
_benchmark.print = _printed.append  # wrong values are printed
_SIZE = 100


def main(_: dict[str, Any]) -> dict[str, Any]:
    """Solve a chain and a projection of 100 constraints; what was wrong, and the last mark of the planner."""
    _printed.clear()
    _benchmark.delta_blue(_SIZE)
    return {"wrong": list(_printed), "mark": _benchmark.planner.current_mark}
