#!/usr/bin/env python3
"""What a clean process for each request costs, by every means that runs here: one client, one application.

    python benchmarks/rivals/measure.py --output benchmarks/results/rivals.jsonl --page docs/comparison.md

Each round asks every server in turn: some requests with a pause before each, in which a server may get
ready, and then some at once, each as soon as the one before is answered.
"""

from __future__ import annotations

import argparse
import contextlib
import http
import http.client
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import page

from groundhog.bench import paired

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

HERE = Path(__file__).resolve().parent
ORDERS = [{"id": f"{number:06}", "price": number * 10 + 5, "count": number % 7} for number in range(100)]
BODY = json.dumps(ORDERS).encode()
TOTAL = sum(order["price"] * order["count"] for order in ORDERS)  # type: ignore[operator]
PAUSE_S = 0.1
PAUSED, AT_ONCE = 4, 16
READY_S = 60.0
WARM = 20


def free_port() -> int:
    """A port at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


class Rival:
    """A server that is started once."""

    path = "/"

    def __init__(self, name: str, argv: Sequence[str]) -> None:
        """``argv``: @PORT in it stands for the port to listen at."""
        self.name = name
        self.paused_s: list[float] = []
        self.at_once_s: list[float] = []
        self._argv = argv
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - as long as it is served

    def start(self) -> None:
        """Begin to serve, and warm up."""
        argv = [word.replace("@PORT", str(self._port)) for word in self._argv]
        self._process = subprocess.Popen(
            argv, cwd=HERE, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self._said
        )
        for _ in range(WARM):
            self.ask()

    def stop(self) -> None:
        """Serve no longer."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()

    def get_ready(self) -> None:
        """Do what has to be done before a request can be served; most do it by themselves."""

    def ask(self) -> float:
        """Send a request; the seconds until it was answered, those included in which nobody listened."""
        begun = time.perf_counter()
        while (answer := self._answer()) is None or answer[0] == http.HTTPStatus.SERVICE_UNAVAILABLE:
            if time.perf_counter() - begun > READY_S:
                self._said.seek(0)
                message = f"{self.name} does not answer: {self._said.read()[-1000:].decode()}"
                raise RuntimeError(message)
        taken = time.perf_counter() - begun
        status, body = answer
        if status != http.HTTPStatus.OK or json.loads(body) != {"total": TOTAL}:
            message = f"{self.name} answered {status}: {body[:200]!r}"
            raise RuntimeError(message)
        return taken

    def _answer(self) -> tuple[int, bytes] | None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=READY_S)
        try:
            connection.request("POST", self.path, BODY, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (ConnectionError, http.client.BadStatusLine):
            return None  # nobody listens, or ends
        finally:
            connection.close()

    def round(self) -> None:
        """Measure some requests."""
        for _ in range(PAUSED):
            self.get_ready()
            time.sleep(PAUSE_S)
            self.paused_s.append(self.ask())
        begun = time.perf_counter()
        for _ in range(AT_ONCE):
            self.get_ready()
            self.ask()
        self.get_ready()
        self.at_once_s.append((time.perf_counter() - begun) / AT_ONCE)


class Cgi(Rival):
    """A new process for each request."""

    path = "/cgi-bin/orders.py"


class Checkpoint(Rival):
    """A process that is made anew from files for each request, by CRIU."""

    def __init__(self, name: str, argv: Sequence[str], criu: str) -> None:
        super().__init__(name, argv)
        self._criu = criu
        self._folder = Path(tempfile.mkdtemp(prefix="groundhog-criu-"))
        self._restored: int | None = None

    def start(self) -> None:
        """Take the checkpoint of a server that is warm."""
        argv = [word.replace("@PORT", str(self._port)) for word in self._argv]
        null = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
        with subprocess.Popen(argv, cwd=HERE, start_new_session=True, **null) as process:
            for _ in range(WARM):
                self.ask()
            self._run("dump", "-t", str(process.pid))
        self.get_ready()

    def _run(self, *words: str) -> None:
        command = [self._criu, *words, "-D", str(self._folder), "-v0"]
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode:
            message = f"criu {words[0]} ended with {done.returncode}: {done.stderr.decode()[-300:]}"
            raise RuntimeError(message)

    def get_ready(self) -> None:
        """End the process that has served, and restore another one."""
        self._end()
        pidfile = self._folder / "pid"
        pidfile.unlink(missing_ok=True)
        self._run("restore", "-d", "--restore-sibling", "--pidfile", str(pidfile))
        self._restored = int(pidfile.read_text("ascii"))

    def _end(self) -> None:
        if self._restored is None:
            return
        watched = os.pidfd_open(self._restored)
        try:
            signal.pidfd_send_signal(watched, signal.SIGKILL)
            os.waitid(os.P_PIDFD, watched, os.WEXITED)
        finally:
            os.close(watched)
        self._restored = None

    def stop(self) -> None:
        """End the last one, and remove its files."""
        self._end()
        shutil.rmtree(self._folder)


@dataclass
class Field:
    """Who runs here, and why others do not."""

    rivals: list[Rival] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)


def everybody(criu: str | None) -> Field:
    """All rivals, in the order of the page."""
    gunicorn = [sys.executable, "-m", "gunicorn", "--workers", "1", "orders:application"]
    bound = [*gunicorn, "--bind", "127.0.0.1:@PORT"]
    serve = [str(Path(sys.executable).parent / "groundhog"), "serve", "--port", "@PORT", "--protocol", "http"]
    warm = ["--warmup", json.dumps({"method": "POST", "path": "/", "body": BODY.decode()})]
    behind = ["--", *gunicorn, "--bind", "127.0.0.1:$PORT"]
    served = [sys.executable, str(HERE / "served.py"), "@PORT"]
    found = Field(
        [
            Rival(page.PLAIN, bound),
            Rival(page.AGAIN, bound),
            Rival(page.OFF, [*serve, "--isolation", "off", *warm, *behind]),
            Rival(page.REQUEST, [*serve, *warm, "--warmup-rounds", "10", *behind]),
            Rival(page.CLASSIC, [*serve, "--strategy", "classic", *warm, "--warmup-rounds", "10", *behind]),
            Rival(page.RENEWED, [*bound, "--max-requests", "1"]),
            Rival(page.PRELOADED, [*bound, "--max-requests", "1", "--preload"]),
            Rival(page.FORKED, [*served, "fork"]),
            Cgi(page.PROCESS, [sys.executable, "-m", "http.server", "--cgi", "--bind", "127.0.0.1", "@PORT"]),
        ]
    )
    if criu is None:
        found.absent[page.RESTORED] = "no program `criu` was given"
    else:
        checked = subprocess.run([criu, "check"], capture_output=True, text=True, check=False)
        if checked.returncode:
            found.absent[page.RESTORED] = (checked.stdout + checked.stderr).strip().splitlines()[-1]
        else:
            found.rivals.append(Checkpoint(page.RESTORED, served, criu))
    return found


@contextlib.contextmanager
def running(rivals: Sequence[Rival]) -> Iterator[None]:
    """All of them at a time: those that are not asked sleep."""
    with contextlib.ExitStack() as stack:
        for rival in rivals:
            stack.callback(rival.stop)
            rival.start()
        yield


def main() -> None:
    """Measure, and write what was found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--criu", metavar="PROGRAM", default=shutil.which("criu"))
    parser.add_argument("--output", type=Path, required=True, help="results, as lines of JSON")
    parser.add_argument("--page", type=Path, help="the page that is written from them")
    options = parser.parse_args()
    found = everybody(options.criu)
    with running(found.rivals):
        for _ in range(options.rounds):
            for rival in found.rivals:
                rival.round()
    rows: list[dict[str, Any]] = [{"machine": paired.machine(), "absent": found.absent}]
    rows += [_row(rival, found.rivals[0]) for rival in found.rivals]
    options.output.write_text("".join(f"{json.dumps(row)}\n" for row in rows), "utf-8")
    if options.page:
        options.page.write_text(page.render(options.output), "utf-8")


def _row(rival: Rival, plain: Rival) -> dict[str, Any]:
    def ratio(its: list[float], others: list[float]) -> float:
        return statistics.median(one / other for one, other in zip(its, others, strict=True))

    latencies = sorted(rival.paused_s)
    return {
        "name": rival.name,
        "requests": len(latencies),
        "p50_s": statistics.median(latencies),
        "p95_s": latencies[int(len(latencies) * 0.95)],
        "p50_ratio": ratio(rival.paused_s, plain.paused_s),
        "at_once_s": statistics.median(rival.at_once_s),
        "at_once_ratio": ratio(rival.at_once_s, plain.at_once_s),
    }


if __name__ == "__main__":
    main()
