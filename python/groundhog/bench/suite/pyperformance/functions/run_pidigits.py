"""Computes digits of pi with large integers."""

from __future__ import annotations

from typing import Any

from groundhog.bench.suite.pyperformance.loading import benchmark

_benchmark = benchmark("pidigits")


def main(_: dict[str, Any]) -> dict[str, Any]:
    """Compute 600 digits; the last ten."""
    return {"digits": "".join(map(str, _benchmark.calc_ndigits(600)[-10:]))}
