"""The real command line in processes of its own, watched until nothing of it is left."""

from __future__ import annotations

import contextlib
import os
import re
import select
import ssl
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import IO, TYPE_CHECKING

import httpx

from groundhog.audit.processes import MARK, kill_marked, marked

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from typing_extensions import Self

START_S = 60
STOP_S = 60
# For clients of servers without certificates: to read which ones there are takes each client 30 ms.
NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


WEAKENED = """
import sys
from groundhog.cli import main
from groundhog.testing import weakened
with weakened(sys.argv.pop(1)):
    sys.exit(main())
"""


def groundhog(
    *words: str, env: Mapping[str, str] | None = None, cwd: Path | None = None, weakened: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command that ends by itself; it must leave no process. ``weakened``: what it leaves out."""
    mark = uuid.uuid4().hex
    program = ["-m", "groundhog.cli"] if weakened is None else ["-c", WEAKENED, weakened]
    result = subprocess.run(
        [sys.executable, *program, *words],
        env={**os.environ, **(env or {}), MARK: mark},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=START_S,
        check=False,
    )
    assert left_behind(mark) == []
    return result


def left_behind(mark: str) -> list[int]:
    """The processes with this mark that do not end within a moment: those killed are still seen for one."""
    deadline = time.monotonic() + 5
    while (pids := marked(mark)) and time.monotonic() < deadline:
        for pid in pids:
            with contextlib.suppress(OSError):
                fd = os.pidfd_open(pid)
                select.select([fd], [], [], 1)
                os.close(fd)
    return pids


@contextlib.contextmanager
def full_pipe() -> Iterator[int]:
    """A pipe that takes nothing more, and that nobody reads: the end to write to."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(write, bytes(4096))
    os.set_blocking(write, True)
    try:
        yield write
    finally:
        os.close(read)
        os.close(write)


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


class Served:
    """A server that has said that it is ready, and a client of it."""

    def __init__(self, process: subprocess.Popen[str], log: IO[str], mark: str, url: str) -> None:
        self.process = process
        self.mark = mark
        self.url = url
        self.client = httpx.Client(base_url=url, timeout=60, verify=NO_CERTIFICATES)
        self.lines: list[str] = []
        self._log = log

    @property
    def log(self) -> str:
        """What it has written to stderr."""
        return Path(f"/proc/self/fd/{self._log.fileno()}").read_text("utf-8")

    def function_pids(self) -> list[int]:
        """The processes under the server."""
        return [pid for pid in marked(self.mark) if pid != self.process.pid]

    def stop(self) -> int:
        """Ask it to end; its exit code. Nothing may be left."""
        self.client.close()
        self.process.terminate()
        self.process.wait(STOP_S)
        assert left_behind(self.mark) == []
        return self.process.returncode

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()
        kill_marked(self.mark)


@contextlib.contextmanager
def served(*words: str, env: Mapping[str, str] | None = None) -> Iterator[Served]:
    """Run ``groundhog WORDS --port 0`` while the block lasts."""
    mark = uuid.uuid4().hex
    at = words.index("--") if "--" in words else len(words)
    words = (*words[:at], "--port", "0", "--host", "127.0.0.1", *words[at:])
    with tempfile.TemporaryFile("w+", encoding="utf-8") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "groundhog.cli", *words],
            env={**os.environ, **(env or {}), MARK: mark},
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r"http://\S+", line)
        if found is None:
            process.kill()
            process.communicate()
            log.seek(0)
            raise AssertionError(f"groundhog {' '.join(words)} did not start: {log.read()}")
        with Served(process, log, mark, found[0]) as server:
            yield server
