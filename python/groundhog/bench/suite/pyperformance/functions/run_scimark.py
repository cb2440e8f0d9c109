"""Numerical kernels: a factorization, a transform, a random integral."""

from __future__ import annotations

from array import array
from typing import Any

from groundhog.bench.suite.pyperformance.loading import benchmark

_benchmark = benchmark("scimark")
_SIZE, _POINTS = 40, 256


def main(_: dict[str, Any]) -> dict[str, Any]:
    """Factor a matrix, transform a vector there and back, throw 5,000 darts."""
    matrix = _benchmark.Random(7).RandomMatrix(_benchmark.ArrayList(_SIZE, _SIZE))
    factors, pivot = _benchmark.ArrayList(_SIZE, _SIZE), array("i", [0]) * _SIZE
    _benchmark.LU(factors, matrix, pivot)
    vector = _benchmark.Random(7).RandomVector(2 * _POINTS)
    _benchmark.FFT_transform(2 * _POINTS, vector)
    total = sum(abs(value) for value in vector)
    return {
        "diagonal": f"{sum(factors[at][at] for at in range(_SIZE)):.9f}",
        "spectrum": f"{total:.9f}",
        "pi": f"{_benchmark.MonteCarlo(5_000):.4f}",
    }
