"""Unpacks tuples and lists."""

from __future__ import annotations

from typing import Any

from groundhog.bench.suite.pyperformance.loading import benchmark

_benchmark = benchmark("unpack_sequence")
_LOOPS = 200


def main(_: dict[str, Any]) -> dict[str, Any]:
    """Unpack 400 of each in a loop."""
    _benchmark.bench_all(_LOOPS)
    return {"unpacked": 2 * 400 * _LOOPS}
