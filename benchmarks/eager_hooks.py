#!/usr/bin/env python3
"""What a request costs that needs a database connection: without isolation, with lazy hooks, with eager ones.

    python benchmarks/eager_hooks.py "host=127.0.0.1 user=tester dbname=postgres" [--requests N]

The function asks PostgreSQL by psycopg, and connects anew in a hook after each restore. Each round sends one
request to each pool in turn, once its process is ready for it. Prints medians, and those of the ratios within
each round.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import statistics
import tempfile
import time
from pathlib import Path

from groundhog import Function, Pool

HANDLER = """
import psycopg
from groundhog.hooks import register_after_restore, register_before_snapshot

def connect():
    global connection
    connection = psycopg.connect(ADDRESS, autocommit=True)
    ask(0)  # a connection's first question takes PostgreSQL longer

def ask(number):
    return connection.execute("SELECT %s::int * 7", [number]).fetchone()[0]

connect()
register_before_snapshot(lambda: connection.close())
register_after_restore(connect)

def main(params):
    return {"answer": ask(params["number"])}
"""
_PAUSE_S = 0.001
POOLS = {
    "off": {"isolation": "off"},
    "lazy": {"hooks": "lazy"},
    "eager": {"hooks": "eager"},
}


async def rested(pool: Pool) -> None:
    """Until its process waits, as it does where requests do not follow each other at once."""
    await asyncio.sleep(_PAUSE_S)
    while set(pool.stats().workers) - {"clean", "kept"}:  # noqa: ASYNC110 - no event tells of it
        await asyncio.sleep(_PAUSE_S)


async def measure(address: str, requests: int) -> dict[str, list[float]]:
    """The seconds that each request took its caller, by pool."""
    seconds: dict[str, list[float]] = {name: [] for name in POOLS}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "handler.py"
        path.write_text(f"ADDRESS = {address!r}\n{HANDLER}", encoding="utf-8")
        function = Function.from_file(path, warmup=[{"number": 1}] * 30)
        async with contextlib.AsyncExitStack() as stack:
            pools = {
                name: await stack.enter_async_context(Pool(function, **options))  # type: ignore[arg-type]
                for name, options in POOLS.items()
            }
            for number in range(requests):
                for name, pool in pools.items():
                    await rested(pool)
                    begun = time.perf_counter()
                    reply = await pool.invoke({"number": number})
                    seconds[name].append(time.perf_counter() - begun)
                    assert reply.value == {"answer": 7 * number}
    return seconds


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("address")
    parser.add_argument("--requests", type=int, default=500)
    arguments = parser.parse_args()
    seconds = asyncio.run(measure(arguments.address, arguments.requests))
    for name, taken in seconds.items():
        ratios = [one / off for one, off in zip(taken, seconds["off"], strict=True)]
        print(
            f"{name:6} p50 {statistics.median(taken) * 1e6:7.0f} µs, {statistics.median(ratios):.2f} of off"
        )


if __name__ == "__main__":
    main()
