"""Draws a fractal by the chaos game."""

from __future__ import annotations

import zlib
from functools import partial
from typing import Any

from groundhog.bench.suite.pyperformance.loading import benchmark


class _Runner:
    """Keeps what the program wants to have measured."""

    def __init__(self) -> None:
        self.metadata: dict[str, Any] = {}

    def bench_func(self, _: str, draw: Any, *arguments: Any) -> None:
        self.draw = partial(draw, *arguments)


class _Arguments:
    """As of the program's command line."""

    thickness, width, height, iterations, rng_seed = 0.25, 256, 256, 5000, 1234
    filename = "the picture"


_benchmark = benchmark("chaos")
_pictures: list[list[list[int]]] = []
_benchmark.write_ppm = lambda picture, _: _pictures.append(picture)
_runner = _Runner()
_benchmark.main(_runner, _Arguments)


def main(_: dict[str, Any]) -> dict[str, Any]:
    """Draw the picture of 5,000 points; its checksum."""
    _pictures.clear()
    _runner.draw()
    return {"crc": zlib.crc32(bytes(point for column in _pictures[0] for point in column))}
