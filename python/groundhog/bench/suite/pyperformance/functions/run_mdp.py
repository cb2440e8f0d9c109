"""Evaluates a Markov decision process: a battle between two creatures."""

from __future__ import annotations

from typing import Any

from groundhog.bench.suite.pyperformance.loading import benchmark

_benchmark = benchmark("mdp")
_creature = _benchmark.halfstate_t
# Half of their strength makes a quarter of the states: all of them take seconds.
_benchmark.halfstate_t = lambda kind, strength, *rest: _creature(kind, strength // 2, *rest)


def main(_: dict[str, Any]) -> dict[str, Any]:
    """Bound the chance to win until it is known to a half; its middle, and the number of states."""
    battle = _benchmark.Battle()
    return {"chance": f"{battle.evaluate(0.5):.9f}", "states": len(battle.successors)}
