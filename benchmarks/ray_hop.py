#!/usr/bin/env python3
"""What Ray Serve adds to a request, and what three nodes serve: one client, one function.

    make bench-ray    # python benchmarks/ray_hop.py --output RESULTS.jsonl --page docs/ray.md

Each round asks every server once, in turn, on connections that are kept. For throughput, callers ask as soon
as they are answered a function that waits, as most do for a database: nodes on one machine share its
processors, so that one which computes would not be served faster.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import marks
import ray
from ray import serve

from groundhog.bench import paired
from groundhog.platforms.ray_serve import application
from tests.ray.cluster import Nodes

if TYPE_CHECKING:
    from collections.abc import Iterator

FUNCTION = """
import time
def main(params):
    time.sleep(params.get("wait", 0))
    return {"name": params["name"]}
"""
BODY = json.dumps({"name": "Ada"}).encode()
WAIT_S = 0.05
WAITING = json.dumps({"name": "Ada", "wait": WAIT_S}).encode()
CALLERS = 6
WARM = 50
BARE, SERVED, REPLICATED = "Ray Serve alone", "`groundhog serve`", "`groundhog ray deploy`"
LATENCY = f"""| | p50 ms | p95 ms | over {SERVED}, p50 ms |
| --- | --- | --- | --- |
"""
TIMES = ("p50_s", "p95_s", "over_s")
THROUGHPUT = """| nodes, with a replica of one worker each | `--ahead` | requests a second |
| --- | --- | --- |
"""


@serve.deployment(max_ongoing_requests=1, logging_config={"enable_access_log": False})
class Bare:
    """The same function in the replica itself, without isolation: what Serve costs by itself."""

    async def __call__(self, request: Any) -> Any:
        """Answer a request."""
        return {"name": (await request.json())["name"]}


@contextlib.contextmanager
def served(handler: Path) -> Iterator[int]:
    """The port of ``groundhog serve``."""
    command = [
        sys.executable,
        "-m",
        "groundhog.cli",
        "serve",
        str(handler),
        "--port",
        "0",
        "--network",
        "none",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        ready = re.search(r":(\d+) \(", process.stdout.readline())
        assert ready
        yield int(ready[1])
        process.terminate()


class Caller:
    """A connection that is kept."""

    def __init__(self, port: int, path: str = "/") -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port)
        self._path = path

    def seconds(self, body: bytes = BODY) -> float:
        """Ask once."""
        begun = time.perf_counter()
        self._connection.request("POST", self._path, body)
        answer = self._connection.getresponse()
        answer.read()
        took = time.perf_counter() - begun
        assert answer.status == 200
        return took


def latencies(nodes: Nodes, handler: Path, rounds: int) -> list[dict[str, Any]]:
    """Ask all servers in turn."""
    serve.run(Bare.bind(), name="bare", route_prefix="/bare")  # type: ignore[attr-defined]
    serve.run(application(handler, ray_actor_options={"num_cpus": 0}), name="fn", route_prefix="/fn")
    with served(handler) as port:
        callers = {
            SERVED: Caller(port),
            BARE: Caller(nodes.port, "/bare"),
            REPLICATED: Caller(nodes.port, "/fn"),
        }
        samples: dict[str, list[float]] = {name: [] for name in callers}
        for number in range(WARM + rounds):
            for name, caller in callers.items():
                took = caller.seconds()
                if number >= WARM:
                    samples[name].append(took)
    serve.delete("bare")
    serve.delete("fn")
    return [
        {
            "name": name,
            "requests": rounds,
            "p50_s": statistics.median(took),
            "p95_s": statistics.quantiles(took, n=20)[-1],
            "over_s": statistics.median(a - b for a, b in zip(took, samples[SERVED], strict=True)),
        }
        for name, took in samples.items()
    ]


def throughput(nodes: Nodes, handler: Path, seconds: float, ahead: int) -> dict[str, Any]:
    """Ask one application, with a replica on each node, from several callers at once."""
    replicas = nodes.alive()
    serve.run(application(handler, num_replicas=replicas, ahead=ahead), name="fn", route_prefix="/fn")
    ends = time.perf_counter() + seconds
    counts = [0] * CALLERS

    def call(number: int) -> None:
        caller = Caller(nodes.port, "/fn")
        while time.perf_counter() < ends:
            caller.seconds(WAITING)
            counts[number] += 1

    threads = [threading.Thread(target=call, args=(number,)) for number in range(CALLERS)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - begun
    serve.delete("fn")
    return {"nodes": replicas, "ahead": ahead, "requests": sum(counts), "per_s": sum(counts) / took}


def tables(rows: list[dict[str, Any]]) -> str:
    """The tables, from the results."""
    first, *measured = rows
    hops = [row for row in measured if "p50_s" in row]
    rates = [row for row in measured if "per_s" in row]
    machine = first["machine"]
    where = (
        f"\nOn {machine['processor']}, {first['processors']} processors for nodes, client and function alike,"
        f" Linux {machine['kernel']}, Ray {first['ray']}; {hops[0]['requests']} rounds.\n"
    )
    return "".join(
        [
            LATENCY,
            *(_line(row["name"], *(f"{row[name] * 1e3:.2f}" for name in TIMES)) for row in hops),
            f"\n{CALLERS} callers of a function that waits {WAIT_S * 1e3:.0f} ms:\n\n",
            THROUGHPUT,
            *(_line(row["nodes"], row["ahead"], f"{row['per_s']:.1f}") for row in rates),
            where,
        ]
    )


def _line(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |\n"


def main() -> None:
    """Measure, and write it down."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=15.0, help="of each measurement of throughput")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--page", type=Path, required=True)
    arguments = parser.parse_args()
    rows = [{"machine": paired.machine(), "processors": os.cpu_count(), "ray": ray.__version__}]
    with tempfile.TemporaryDirectory() as folder:
        handler = Path(folder, "handler.py")
        handler.write_text(FUNCTION, "utf-8")
        nodes = Nodes(1)
        try:
            with nodes.connected():
                rows += latencies(nodes, handler, arguments.rounds)
                rows += [throughput(nodes, handler, arguments.seconds, ahead) for ahead in (0, 1)]
                nodes.added += [nodes.add(), nodes.add()]
                rows += [throughput(nodes, handler, arguments.seconds, ahead) for ahead in (0, 1)]
        finally:
            nodes.shutdown()
    arguments.output.write_text("".join(f"{json.dumps(row)}\n" for row in rows), "utf-8")
    marks.write(arguments.page, arguments.output.as_posix(), "benchmarks/ray_hop.py", tables(rows))


if __name__ == "__main__":
    main()
