"""Reads a dictionary, a list, and a list of dictionaries from JSON."""

from __future__ import annotations

import json
import zlib
from typing import Any

from groundhog.bench.suite.pyperformance.loading import benchmark

_benchmark = benchmark("json_loads")
_TEXTS = [json.dumps(value) for value in (_benchmark.DICT, _benchmark.TUPLE, _benchmark.DICT_GROUP)]


def main(_: dict[str, Any]) -> dict[str, Any]:
    """Read each of them 200 times; the checksum of what was read."""
    for _turn in range(10):
        _benchmark.bench_json_loads(_TEXTS)
    return {"crc": zlib.crc32(repr([json.loads(text) for text in _TEXTS]).encode())}
