"""A launcher's process with bare pipes: what it reads and writes, without a pool."""

from __future__ import annotations

import json
import os
import select
from typing import TYPE_CHECKING, Any

from groundhog import Function
from groundhog.runners import command_for
from groundhog.testing import FakeEngine
from groundhog.worker.pipes import Pipes

if TYPE_CHECKING:
    from pathlib import Path

    from typing_extensions import Self


class Launcher:
    """Starts a handler's process; use as a context manager."""

    def __init__(self, path: Path, entry: str | None = None, env: dict[str, str] | None = None) -> None:
        command = command_for(Function.from_file(path, entry, env=env))
        self._pending = b""
        self.cwd = command.cwd
        self.pipes = Pipes()
        self.process = FakeEngine().spawn(
            command.argv, env=command.env, cwd=command.cwd, fds=self.pipes.child_fds
        )
        self.pipes.release_child_ends()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.close()
        self.pipes.close()

    def line(self) -> Any:
        """The next line that it writes to the answer pipe; None at its end."""
        while b"\n" not in self._pending:
            select.select([self.pipes.answer], [], [])
            chunk = os.read(self.pipes.answer, 1 << 20)
            if not chunk:
                assert not self._pending, "it ended in the middle of a line"
                return None
            self._pending += chunk
        line, _, self._pending = self._pending.partition(b"\n")
        return json.loads(line)

    def ask(self, message: Any) -> Any:
        """Send a message, and get its answer."""
        os.write(self.pipes.request, json.dumps(message).encode() + b"\n")
        return self.line()

    def call(self, value: Any = None, **context: Any) -> Any:
        """Send a request, and get its answer."""
        return self.ask({"value": value, **context})

    def printed(self) -> tuple[str, str]:
        """What it has written to stdout and stderr until now."""
        return self._read(self.pipes.stdout), self._read(self.pipes.stderr)

    def wait(self) -> str | None:
        """How it ended, after its end."""
        select.select([self.process.exit_fileno()], [], [])
        return self.process.exit_status

    def hang_up(self) -> None:
        """Close its input."""
        self.pipes._ours.remove(self.pipes.request)
        os.close(self.pipes.request)

    @staticmethod
    def _read(fd: int) -> str:
        chunks: list[bytes] = []
        while True:
            try:
                chunk = os.read(fd, 1 << 20)
            except BlockingIOError:
                chunk = b""
            if not chunk:
                return b"".join(chunks).decode()
            chunks.append(chunk)
