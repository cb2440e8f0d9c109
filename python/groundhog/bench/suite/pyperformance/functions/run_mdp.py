"""Evaluates a Markov decision process: a battle between two creatures."""

from __future__ import annotations

from typing import Any

from groundhog.bench.suite.pyperformance.loading import benchmark

_benchmark = benchmark("mdp")


def main(_: dict[str, Any]) -> dict[str, Any]:
    """Bound the chance to win; its middle."""
    return {"chance": f"{_benchmark.Battle().evaluate(0.65):.6f}"}
