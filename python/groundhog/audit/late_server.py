"""The server of victims that talk to one: outside of the function, and late with its answers."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

PORT, SOCKET = "GROUNDHOG_TRIAL_PORT", "GROUNDHOG_TRIAL_SOCKET"


class LateServer:
    """Runs the program ``argv`` (victims/servers/late.c) for as long as it is entered.

    ``scratch``: the folder for its Unix socket.
    """

    def __init__(self, argv: tuple[str, ...], scratch: str) -> None:
        self._argv = argv
        self._path = f"{scratch}/server"
        self._process: subprocess.Popen[str] | None = None
        self.environment: dict[str, str] = {}
        """Where it is found, once it runs."""

    def __enter__(self) -> Self:
        """Start it; it listens when this returns."""
        self._process = process = subprocess.Popen(
            [*self._argv, self._path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None  # noqa: S101 - a pipe was asked for
        port = process.stdout.readline().strip()
        if not port:
            self.__exit__(None, None, None)
            raise RuntimeError(f"the server {self._argv[0]} does not listen")
        self.environment = {PORT: port, SOCKET: self._path}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it, by the end of its input."""
        if self._process is not None:
            self._process.communicate()
