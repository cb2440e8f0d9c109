"""A Redis server of a test's own, on the loopback interface and a Unix socket."""

from __future__ import annotations

import contextlib
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import redis

from tests.framework.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True)
class RedisServer:
    port: int
    path: str

    @contextlib.contextmanager
    def client(self) -> Iterator[redis.Redis]:
        """A connection that has nothing to do with the function's."""
        with redis.Redis(port=self.port, decode_responses=True) as client:
            yield client


@contextlib.contextmanager
def running(folder: Path) -> Iterator[RedisServer]:
    """It takes connections as long as this is entered."""
    server = RedisServer(free_port(), str(folder / "redis"))
    options = {"port": server.port, "bind": "127.0.0.1", "unixsocket": server.path, "dir": folder, "save": ""}
    argv = ["redis-server", *(str(word) for name, value in options.items() for word in (f"--{name}", value))]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert any("eady to accept connections" in line for line in process.stdout), "it does not start"
            yield server
        finally:
            process.terminate()
            process.communicate()
