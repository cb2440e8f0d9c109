#!/usr/bin/env python3
"""Many requests of a function that leaves a bit of everything behind: nothing may be found, nothing may grow.

    python benchmarks/soak.py --requests 100000 [--workers 2] [--clients 2] [--seed N] [--json]

The exit code is 1 when a request found what another had left, failed, or when the supervisor grew.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import groundhog
from groundhog import Function, Pool

HERE = Path(__file__).parent
MAX_ACTIONS = 4
RETIRE_EVERY = 250
"""One request in so many costs its process: that is replaced, and nobody else notices."""
GROWTH_BYTES = 8 << 20
"""Less is the allocator's own business."""


def resident_bytes() -> int:
    """Of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmRSS"))


def descriptors() -> int:
    """Of this process."""
    return len(list(Path("/proc/self/fd").iterdir()))


class Soak:
    """A run, and what came of it."""

    def __init__(self, requests: int, seed: int, names: list[str]) -> None:
        self.requests = requests
        self.sent = 0
        self.left: dict[str, int] = {}
        self.failed: dict[str, int] = {}
        self.samples: list[tuple[int, int, int]] = []
        self._random = random.Random(seed)  # noqa: S311 - to be had again
        self._names = names

    async def client(self, pool: Pool) -> None:
        """Send requests, one after the other."""
        while self.sent < self.requests:
            number = self.sent
            self.sent += 1
            actions = self._random.sample(self._names, self._random.randint(0, MAX_ACTIONS))
            retire = (
                number % RETIRE_EVERY == RETIRE_EVERY // 2
            )  # not the last of them: its end would not be seen
            try:
                reply = await pool.invoke({"secret": f"Q{number:07d}", "actions": actions, "retire": retire})
            except groundhog.GroundhogError as error:
                kind = type(error).__name__
                self.failed[kind] = self.failed.get(kind, 0) + 1
                print(f"request {number} {actions}: {error}", file=sys.stderr)
                continue
            assert isinstance(reply.value, dict)
            for name in reply.value.get("left", ["no answer: " + json.dumps(reply.value)]):
                self.left[name] = self.left.get(name, 0) + 1
            if number % max(1, self.requests // 20) == 0:
                self.samples.append((number, resident_bytes(), descriptors()))

    def grew(self) -> int:
        """Bytes between the first quarter and the end."""
        steady = [resident for number, resident, _ in self.samples if number >= self.requests // 4]
        return steady[-1] - steady[0] if len(steady) > 1 else 0


async def run(options: argparse.Namespace) -> dict[str, Any]:
    """Serve, and say what came of it."""
    with tempfile.TemporaryDirectory(prefix="groundhog-soak-") as scratch:
        function = Function.from_file(
            HERE / "soak_function.py", warmup=[{"secret": "warm", "actions": []}], env={"TMPDIR": scratch}
        )
        return await serve(function, options)


async def serve(function: Function, options: argparse.Namespace) -> dict[str, Any]:
    """The requests themselves."""
    begun = time.monotonic()
    before = descriptors()
    async with Pool(function, options.workers, options.isolation) as pool:
        named = (await pool.invoke({"name": "actions"})).value
        assert isinstance(named, dict)
        soak = Soak(options.requests, options.seed, named["actions"])
        await asyncio.gather(*(soak.client(pool) for _ in range(options.clients)))
        stats = pool.stats()
    return {
        "requests": soak.sent,
        "left": soak.left,
        "failed": soak.failed,
        "retirements": dict(stats.retirements),
        "seconds": round(time.monotonic() - begun, 1),
        "grew_bytes": soak.grew(),
        "descriptors": [before, descriptors()],
        "samples": soak.samples,
    }


def main() -> int:
    """The exit code is 1 unless all went well."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--clients", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--isolation", default="request")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = asyncio.run(run(options))
    if options.json:
        print(json.dumps(found))
    else:
        for name, value in found.items():
            print(f"{name:12} {value}")
    well = not found["left"] and not found["failed"] and found["grew_bytes"] < GROWTH_BYTES
    return 0 if well and found["descriptors"][1] <= found["descriptors"][0] + 1 else 1


if __name__ == "__main__":
    sys.exit(main())
