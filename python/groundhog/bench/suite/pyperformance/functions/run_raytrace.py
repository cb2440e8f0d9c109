"""Draws spheres on a chequered floor by following rays."""

from __future__ import annotations

import zlib
from typing import Any

from groundhog.bench.suite.pyperformance.loading import benchmark

_benchmark = benchmark("raytrace")
_drawn: list[Any] = []


class _Canvas(_benchmark.Canvas):  # type: ignore[misc, name-defined]
    """Is kept, so that it can be looked at."""

    def __init__(self, width: int, height: int) -> None:
        super().__init__(width, height)
        _drawn.append(self)


_benchmark.Canvas = _Canvas


def main(_: dict[str, Any]) -> dict[str, Any]:
    """Draw the scene; the checksum of the picture."""
    _drawn.clear()
    _benchmark.bench_raytrace(1, 50, 50, None)
    return {"crc": zlib.crc32(_drawn[0].bytes.tobytes())}
