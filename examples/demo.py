"""Serve functions that leak, without and with isolation, and show side by side what the second user saw.

    python examples/demo.py [--requests N] [--svg FILE]

Ends with 0 if every leak was seen without isolation and none with it, else with 1.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).resolve().parent
STOP_S = 30


@dataclass(frozen=True)
class Case:
    """A function that leaks, the requests of two users, and what of the first the second must not see."""

    file: str
    flaw: str
    first: dict[str, Any]
    second: dict[str, Any]
    private: str


CASES = (
    Case(
        "python/findings.py",
        "findings in a module-level list",
        {"account": "ada-corp", "buckets": [{"name": "payroll", "public": True}]},
        {"account": "bob-ltd", "buckets": [{"name": "blog", "public": True}]},
        "payroll",
    ),
    Case(
        "python/identity.py",
        "the user's identity in a global",
        {"token": "token-ada"},
        {"token": "token-bob"},
        "ada@example.org",
    ),
    Case(
        "nodejs/basket.js",
        "the basket in a module-level array",
        {"customer": "ada", "items": [{"name": "novel", "price": 12}]},
        {"customer": "bob", "items": [{"name": "lamp", "price": 30}]},
        "novel",
    ),
    Case(
        "nodejs/prices.js",
        "a cache keyed by product alone",
        {"customer": "ada", "product": "gear"},
        {"customer": "bob", "product": "gear"},
        "contract of ada",
    ),
)


@dataclass(frozen=True)
class Seen:
    """What a run of one function showed."""

    answer: Any
    """What the second user got."""
    leaked: bool
    request_s: float
    """Median time of a request, seen by the client, in seconds."""
    restore_s: float | None
    """Mean time of a restore, in seconds; ``None`` if there was none."""
    dirty_pages: float | None


class Server:
    """A running ``groundhog serve``, and one connection to it."""

    def __init__(self, url: str) -> None:
        host = url.removeprefix("http://")
        self._connection = http.client.HTTPConnection(host, timeout=60)

    def call(self, payload: Any) -> Any:
        """Call the function; return its answer."""
        self._connection.request("POST", "/", json.dumps(payload), {"Content-Type": "application/json"})
        with self._connection.getresponse() as response:
            answer = json.load(response)
        if response.status != http.client.OK:
            sys.exit(f"the function answered {response.status}: {answer}")
        return answer

    def wait_until_idle(self) -> None:
        """Return when the worker has been reverted: a caller of a busy function would have to wait for it."""
        while not self._get("/_/info")["pool"]["workers"].keys() <= {"clean", "kept"}:
            pass

    def mean(self, name: str) -> float | None:
        """Return the mean of a metric; ``None`` if nothing was measured."""
        lines = self._get("/_/metrics").splitlines()
        values = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
        total, count = float(values[f"{name}_sum"]), float(values[f"{name}_count"])
        return total / count if count else None

    def _get(self, path: str) -> Any:
        self._connection.request("GET", path)
        with self._connection.getresponse() as response:
            body = response.read().decode()
        return json.loads(body) if "json" in response.headers["Content-Type"] else body


@contextlib.contextmanager
def serving(file: str, isolation: str) -> Iterator[Server]:
    """Serve a function in a process of its own, on a free port, until the block ends."""
    command = [
        sys.executable,
        "-m",
        "groundhog.cli",
        "serve",
        str(HERE / file),
        "--port",
        "0",
        "--isolation",
        isolation,
    ]
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        assert process.stdout is not None  # noqa: S101  (for the type checker)
        try:
            found = re.search(r"http://\S+", process.stdout.readline())
            if not found:
                process.wait()
                log.seek(0)
                sys.exit(f"groundhog serve {file} did not start: {log.read().strip()}")
            yield Server(found[0])
        finally:
            process.terminate()
            process.communicate(timeout=STOP_S)


def watch(case: Case, requests: int) -> tuple[Seen, Seen]:
    """Serve two users in turn, without and with isolation; then time further requests of both in pairs."""
    with serving(case.file, "off") as plain, serving(case.file, "request") as isolated:
        answers = []
        for server in (plain, isolated):
            server.call(case.first)
            answers.append(server.call(case.second))
        times: tuple[list[float], list[float]] = ([], [])
        for _ in range(requests):
            for server, its_times in zip((plain, isolated), times, strict=True):
                server.wait_until_idle()
                start = time.perf_counter()
                server.call(case.second)
                its_times.append(time.perf_counter() - start)
        first, second = (
            Seen(
                answer=answer,
                leaked=case.private in json.dumps(answer),
                request_s=statistics.median(its_times),
                restore_s=server.mean("groundhog_restore_seconds"),
                dirty_pages=server.mean("groundhog_dirty_pages"),
            )
            for server, answer, its_times in zip((plain, isolated), answers, times, strict=True)
        )
        return first, second


def answer_text(case: Case, seen: Seen) -> Text:
    """Return an answer with what is private in red."""
    text = Text(json.dumps(seen.answer, ensure_ascii=False))
    text.highlight_words([case.private], "bold red")
    text.append("\nleaked" if seen.leaked else "\nclean", "bold red" if seen.leaked else "bold green")
    return text


def tables(results: list[tuple[Case, Seen, Seen]]) -> tuple[Table, Table]:
    """Return what the second user saw, and what that cost."""
    saw = Table(
        title="What Bob sees after Ada was served by the same warm process", show_lines=True, expand=True
    )
    saw.add_column("function", ratio=6)
    saw.add_column("reused as it is", ratio=9)
    saw.add_column("reverted by Groundhog", ratio=9)
    cost = Table(title="What it costs: median request, mean restore")
    cost.add_column("function", min_width=max(len(case.file) for case, *_ in results))
    for title in ("request,\nas it is", "request,\nreverted", "restore,\nafter it", "dirty\npages"):
        cost.add_column(title, justify="right", min_width=10)
    for case, plain, isolated in results:
        saw.add_row(Text(f"{case.file}\n{case.flaw}"), answer_text(case, plain), answer_text(case, isolated))
        cost.add_row(
            case.file,
            f"{plain.request_s * 1e6:.0f} µs",
            f"{isolated.request_s * 1e6:.0f} µs",
            f"{(isolated.restore_s or 0) * 1e6:.0f} µs",
            f"{isolated.dirty_pages or 0:.0f}",
        )
    return saw, cost


def main() -> int:
    """Run every case; print what was seen."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--requests", type=int, default=200, help="requests measured per function and mode")
    parser.add_argument("--svg", type=Path, help="write the picture to this file, too")
    options = parser.parse_args()

    results = []
    for case in CASES:
        print(f"serving {case.file} without and with isolation ...", file=sys.stderr)
        results.append((case, *watch(case, options.requests)))

    console = Console(record=options.svg is not None, width=110 if options.svg else None)
    for table in tables(results):
        console.print(table)
    as_promised = all(plain.leaked and not isolated.leaked for _, plain, isolated in results)
    console.print(
        f"{len(results)} leaks without isolation, none with it."
        if as_promised
        else "NOT AS PROMISED: see the table.",
        style="bold green" if as_promised else "bold red",
        highlight=False,
    )
    if options.svg:
        # No font from elsewhere: a picture that asks another host for something is none.
        svg = re.sub(r"@font-face \{.*?\}", "", console.export_svg(title="make demo"), flags=re.DOTALL)
        options.svg.write_text(svg)
    return 0 if as_promised else 1


if __name__ == "__main__":
    sys.exit(main())
