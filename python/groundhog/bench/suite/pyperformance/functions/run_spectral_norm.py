"""Approximates the spectral norm of an infinite matrix."""

from __future__ import annotations

import math
from typing import Any

from groundhog.bench.suite.pyperformance.loading import benchmark

_benchmark = benchmark("spectral_norm")
_SIZE = 130


def main(_: dict[str, Any]) -> dict[str, Any]:
    """Take ten steps of the power method; the norm."""
    u = v = [1.0] * _SIZE
    for _step in range(10):
        v = _benchmark.eval_AtA_times_u(u)
        u = _benchmark.eval_AtA_times_u(v)
    norm = math.sqrt(sum(a * b for a, b in zip(u, v, strict=True)) / sum(b * b for b in v))
    return {"norm": f"{norm:.9f}"}
