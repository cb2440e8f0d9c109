"""Draws a fractal by the chaos game."""

from __future__ import annotations

import zlib
from typing import Any

from groundhog.bench.suite.pyperformance.loading import benchmark

_chaos = benchmark("chaos")
_images: list[list[list[int]]] = []
_chaos.write_ppm = lambda image, _: _images.append(image)


class _Runner:
    """Takes what the program would measure."""

    def __init__(self) -> None:
        self.metadata: dict[str, Any] = {}

    def bench_func(self, _: str, draw: Any, *_arguments: Any) -> None:
        self.draw = draw


class _Arguments:
    thickness, width, height, iterations, filename, rng_seed = 0.25, 64, 64, 2000, "kept", 1234


_runner = _Runner()
_chaos.main(_runner, _Arguments)


def main(_: dict[str, Any]) -> dict[str, Any]:
    """Draw the picture; its checksum."""
    _images.clear()
    shape = _Arguments
    _runner.draw(shape.width, shape.height, shape.iterations, shape.filename, shape.rng_seed)
    return {"crc": zlib.crc32(bytes(value for column in _images[0] for value in column))}
