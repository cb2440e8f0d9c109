"""Solves a board of the game Hexiom."""

from __future__ import annotations

import io
import zlib
from typing import Any

from groundhog.bench.suite.pyperformance.loading import benchmark

_benchmark = benchmark("hexiom")
_BOARD, _SOLUTION = _benchmark.LEVELS[25]


def main(_: dict[str, Any]) -> dict[str, Any]:
    """Solve level 25; the checksum of the solution, and whether it is the program's."""
    output = io.StringIO()
    _benchmark.solve_file(_BOARD.strip(), _benchmark.Done.FIRST_STRATEGY, _benchmark.DESCENDING, output)
    lines = [line.rstrip() for line in output.getvalue().splitlines()]
    right = lines == _SOLUTION.rstrip().splitlines()
    return {"crc": zlib.crc32("\n".join(lines).encode()), "right": right}
