"""Moves the sun and four planets for some years."""

from __future__ import annotations

import copy
from typing import Any

from groundhog.bench.suite.pyperformance.loading import benchmark

_benchmark = benchmark("nbody")
_START = copy.deepcopy(_benchmark.SYSTEM)


def main(_: dict[str, Any]) -> dict[str, Any]:
    """Take 20,000 steps; the energy at the end."""
    bodies = copy.deepcopy(_START)
    pairs = _benchmark.combinations(bodies)
    _benchmark.offset_momentum(bodies[0], bodies)
    _benchmark.advance(0.01, 20_000, bodies, pairs)
    return {"energy": f"{_benchmark.report_energy(bodies, pairs):.9f}"}
