"""A function process that is the real program, untraced."""

from __future__ import annotations

import fcntl
import os
import select
import signal
from typing import TYPE_CHECKING

from groundhog.errors import SpawnError
from groundhog.testing.process import FakeProcess

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from groundhog.testing.engine import FakeEngine


class RealProcess(FakeProcess):
    """The real program, untraced."""

    def __init__(
        self,
        engine: FakeEngine,
        argv: list[str],
        env: Mapping[str, str] | None,
        cwd: str | os.PathLike[str] | None,
        fds: Mapping[int, int],
        drain: Sequence[int],
    ) -> None:
        super().__init__(engine, drain)
        # Out of the way of the numbers that they are to get, lest one overwrites another.
        high = {number: _high_duplicate(fd) for number, fd in fds.items()}
        words = [*(["/usr/bin/env", "-C", os.fspath(cwd)] if cwd is not None else []), *argv]
        try:
            self.pid = os.posix_spawnp(
                words[0],
                words,
                dict(os.environ if env is None else env),
                file_actions=[(os.POSIX_SPAWN_DUP2, fd, number) for number, fd in high.items()],
            )
        except OSError as error:
            raise SpawnError(f"{argv[0]} could not be started: {error.strerror}") from None
        finally:
            for fd in high.values():
                os.close(fd)
        self._pidfd = os.pidfd_open(self.pid)
        self._waited: str | None = None

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self.exit_status is None

    @property
    def exit_status(self) -> str | None:
        """How it ended."""
        if self._waited is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                code = os.waitstatus_to_exitcode(status)
                self._waited = f"killed by signal {-code}" if code < 0 else f"exited {code}"
        return self._waited

    def exit_fileno(self) -> int:
        """Readable once it has ended."""
        return self._pidfd

    def kill(self) -> None:
        """End it."""
        if self.alive:
            os.kill(self.pid, signal.SIGKILL)

    def _free(self) -> None:
        select.select([self._pidfd], [], [])
        assert not self.alive  # noqa: S101 - this reaps it
        os.close(self._pidfd)


def _high_duplicate(fd: int) -> int:
    """A duplicate with a high number, closed on exec."""
    return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 64)
