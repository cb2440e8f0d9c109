"""What the worker needs of the engine, as types: `groundhog._core` fits them, and so do the fakes of
`testing`.
"""

# ruff: noqa: D102 - the members are described where the compiled module is
from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    # Named here for all others: what the compiled module counts is listed by its stub alone.
    from groundhog._core import RestoreReport as RestoreReport  # noqa: PLC0414 - by which it is exported
    from groundhog._core import SnapshotInfo as SnapshotInfo  # noqa: PLC0414 - so is this


class Process(Protocol):
    """See `groundhog.Tracee`: one function process under the engine's control."""

    @property
    def pid(self) -> int: ...
    @property
    def strategy(self) -> str: ...
    @property
    def exit_status(self) -> str | None: ...
    def snapshot(self) -> SnapshotInfo: ...
    def take_callers(self) -> list[int]: ...
    def listeners(self) -> list[tuple[str, int]]: ...
    def start_restore(self, *, verify: bool = False) -> None: ...
    def finish_restore(self) -> RestoreReport: ...
    def fileno(self) -> int: ...
    def exit_fileno(self) -> int: ...
    def kill(self) -> None: ...
    def close(self) -> None: ...


class Engine(Protocol):
    """What makes function processes: the class `groundhog.Tracee`, or a fake of it.

    One that applies neither jails nor networks nor users has an attribute ``shuts_in`` that is False.
    """

    def spawn(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        fds: Mapping[int, int] | None = None,
        drain: Sequence[int] = (),
        strategy: str | None = None,
        watch: bool = True,
        jail: str | None = None,
        private: Sequence[str] = (),
        most_written: tuple[int, int] | None = None,
        network: str = "host",
        ids: tuple[int, int] | None = None,
        most_tasks: int | None = None,
        keep_connections: bool = False,
        shut_own_connections: bool = False,
        own_port: int | None = None,
        admitted: Sequence[tuple[str, int]] = (),
    ) -> Process: ...


def disconnect(fd: int) -> None:
    """End a socket's connection, but not its hold on its port: see `groundhog._core.disconnect`."""
    from groundhog import _core

    _core.disconnect(fd)


def unanswered(pid: int) -> int:
    """How many connections of a process wait for an answer: see `groundhog._core.unanswered`."""
    from groundhog import _core

    return _core.unanswered(pid)


def default_engine() -> Engine:
    """The compiled engine. Imported only here, so that all else works with a fake where it is not built."""
    from groundhog._core import Tracee

    return Tracee
