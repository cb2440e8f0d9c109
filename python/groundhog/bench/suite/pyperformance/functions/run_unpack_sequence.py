"""Unpacks a tuple and a list, each of ten numbers."""

from __future__ import annotations

from typing import Any

from groundhog.bench.suite.pyperformance.loading import benchmark

_benchmark = benchmark("unpack_sequence")
_AT_ONCE, _LOOPS = 400, 500


def main(_: dict[str, Any]) -> dict[str, Any]:
    """Unpack each 200,000 times. The program keeps nothing of it but the time it took."""
    took_time = _benchmark.bench_all(_LOOPS) > 0
    return {"unpacked": 2 * _AT_ONCE * _LOOPS * took_time}
