"""Chooses a move in a game of Go by playing random games."""

from __future__ import annotations

import random
from typing import Any

from groundhog.bench.suite.pyperformance.loading import benchmark

_benchmark = benchmark("go")


def main(_: dict[str, Any]) -> dict[str, Any]:
    """Play 200 games; the move, and the random number after as many as all games have drawn."""
    move = _benchmark.versus_cpu()  # it sets the seed
    return {"move": move, "next": random.randrange(1_000_000)}  # noqa: S311 - a checksum
