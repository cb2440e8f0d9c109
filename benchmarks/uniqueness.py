#!/usr/bin/env python3
"""What fresh random numbers cost a request: with them, and without anything of it, in turn.

    python benchmarks/uniqueness.py [--requests N] [FUNCTION ...]

Prints medians of the time from handing a request over to its answer, in pools that are reverted after each.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
from contextlib import nullcontext
from pathlib import Path

from rich.console import Console
from rich.table import Table

from groundhog import Function, Pool
from groundhog.testing import weakened
from groundhog.weakening import RESEEDING

PYTHON = "def main(params):\n    return {}\n"
FUNCTIONS = {
    "python hello": ("handler.py", PYTHON),
    "python random": ("handler.py", "import random\n" + PYTHON),
    "python ssl": ("handler.py", "import ssl\nssl.RAND_bytes(1)\n" + PYTHON),
    "python cryptography": ("handler.py", "import cryptography.fernet\n" + PYTHON),
    "python numpy": ("handler.py", "import numpy.random\n" + PYTHON),
    "python requests": ("handler.py", "import random, ssl, tempfile, uuid\nssl.RAND_bytes(1)\n" + PYTHON),
    "node hello": ("handler.js", "exports.main = () => ({});\n"),
}
ROUND = 20


class Lane:
    """A pool of one process, and what its requests took."""

    def __init__(self, path: Path, *, reseeds: bool) -> None:
        self.pool = Pool(Function.from_file(path, warmup=[{}]), workers=1)
        self.times: list[float] = []
        self._reseeds = reseeds

    async def __aenter__(self) -> None:
        with nullcontext() if self._reseeds else weakened(RESEEDING):
            await self.pool.__aenter__()

    async def __aexit__(self, *error: object) -> None:
        await self.pool.aclose()

    async def run(self, requests: int) -> None:
        """Ask it."""
        for _ in range(requests):
            self.times.append((await self.pool.invoke({})).timings.run_s)


async def measure(name: str, requests: int) -> tuple[float, float]:
    """Medians in µs: without, and with."""
    file, text = FUNCTIONS[name]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / file
        path.write_text(text, encoding="utf-8")
        lanes = (Lane(path, reseeds=False), Lane(path, reseeds=True))
        async with lanes[0], lanes[1]:
            for _ in range(requests // ROUND):
                for lane in lanes:
                    await lane.run(ROUND)
        none, whole = (statistics.median(lane.times) * 1e6 for lane in lanes)
        return none, whole


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("functions", nargs="*", default=list(FUNCTIONS))
    given = parser.parse_args()
    table = Table("function", "without, µs", "with, µs", "cost, µs")
    for name in given.functions:
        none, whole = asyncio.run(measure(name, given.requests))
        table.add_row(name, f"{none:.1f}", f"{whole:.1f}", f"+{whole - none:.1f}")
    Console().print(table)


if __name__ == "__main__":
    main()
