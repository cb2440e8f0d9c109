"""Numerical kernels of SciMark: a transform, a relaxation, a random integral, and two of matrices."""

from __future__ import annotations

from array import array
from typing import Any

from groundhog.bench.suite.pyperformance.loading import benchmark

_benchmark = benchmark("scimark")
_ORDER, _POINTS, _GRID, _ROWS, _PER_ROW = 40, 256, 40, 200, 5


def _random_matrix(order: int) -> Any:
    return _benchmark.Random(7).RandomMatrix(_benchmark.ArrayList(order, order))


def _spectrum() -> float:
    vector: array[float] = _benchmark.Random(7).RandomVector(2 * _POINTS)
    _benchmark.FFT_transform(2 * _POINTS, vector)
    return sum(abs(value) for value in vector)


def _relaxed() -> float:
    grid = _random_matrix(_GRID)
    _benchmark.SOR_execute(1.25, grid, 10, _benchmark.Array2D)
    return float(sum(grid[column, row] for row in range(_GRID) for column in range(_GRID)))


def _diagonal() -> float:
    factors, pivot = _benchmark.ArrayList(_ORDER, _ORDER), array("i", [0]) * _ORDER
    _benchmark.LU(factors, _random_matrix(_ORDER), pivot)
    return float(sum(factors[at][at] for at in range(_ORDER)))


def _sparse() -> float:
    values = _benchmark.Random(7).RandomVector(_ROWS * _PER_ROW)
    columns = array("i", [at * at % _ROWS for at in range(_ROWS * _PER_ROW)])
    rows = array("i", range(0, _ROWS * _PER_ROW + 1, _PER_ROW))
    x, y = array("d", range(_ROWS)), array("d", [0]) * _ROWS
    _benchmark.SparseCompRow_matmult(_ROWS, y, values, rows, columns, x, 20)
    return sum(y)


def main(_: dict[str, Any]) -> dict[str, Any]:
    """Run all of them, in small sizes; a sum of each."""
    sums = [_spectrum(), _relaxed(), _diagonal(), _sparse(), _benchmark.MonteCarlo(10_000)]
    return {"sums": [f"{value:.8f}" for value in sums]}
