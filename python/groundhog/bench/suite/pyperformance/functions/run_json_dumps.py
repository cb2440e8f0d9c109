"""Writes objects of several sizes as JSON."""

from __future__ import annotations

import json
import zlib
from typing import Any

from groundhog.bench.suite.pyperformance.loading import benchmark

_benchmark = benchmark("json_dumps")
_COUNTED = [getattr(_benchmark, name) for name in _benchmark.CASES]


def main(_: dict[str, Any]) -> dict[str, Any]:
    """Write three small objects a thousand times or two, and a large one once; the checksum of each."""
    _benchmark.bench_json_dumps([(value, range(count)) for value, count in _COUNTED])
    return {"crc": [zlib.crc32(json.dumps(value).encode()) for value, _count in _COUNTED]}
