"""Writes objects of several sizes as JSON."""

from __future__ import annotations

import json
from typing import Any

from groundhog.bench.suite.pyperformance.loading import benchmark

_benchmark = benchmark("json_dumps")
_CASES = [(getattr(_benchmark, name)[0], range(100)) for name in ("EMPTY", "SIMPLE", "NESTED")]
_CASES.append((_benchmark.HUGE[0], range(1)))


def main(_: dict[str, Any]) -> dict[str, Any]:
    """Write each of them; how long the largest is."""
    _benchmark.bench_json_dumps(_CASES)
    return {"length": len(json.dumps(_CASES[-1][0]))}
