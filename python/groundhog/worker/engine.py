"""What the worker needs of the engine, as types: `groundhog._core` fits them, and so do the fakes of
`testing`.
"""

# ruff: noqa: D102 - the members are described where the compiled module is
from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Snapshot(Protocol):
    """See `groundhog.SnapshotInfo`; times in seconds."""

    @property
    def strategy(self) -> str: ...
    @property
    def pages(self) -> int: ...
    @property
    def bytes(self) -> int: ...
    @property
    def threads(self) -> int: ...
    @property
    def duration(self) -> float: ...


class Report(Protocol):
    """See `groundhog.RestoreReport`; times in seconds."""

    @property
    def strategy(self) -> str: ...
    @property
    def pages_dirty(self) -> int: ...
    @property
    def pages_copied(self) -> int: ...
    @property
    def pages_zeroed(self) -> int: ...
    @property
    def layout_changes(self) -> int: ...
    @property
    def layout_calls(self) -> int: ...
    @property
    def threads_ended(self) -> int: ...
    @property
    def children_killed(self) -> int: ...
    @property
    def fds_closed(self) -> int: ...
    @property
    def connections_shut(self) -> int: ...
    @property
    def fds_put_back(self) -> int: ...
    @property
    def attributes_reverted(self) -> int: ...
    @property
    def bytes_drained(self) -> int: ...
    @property
    def files_reverted(self) -> int: ...
    @property
    def verified(self) -> bool: ...
    @property
    def stops(self) -> dict[str, int]: ...
    @property
    def duration(self) -> float: ...
    @property
    def phases(self) -> dict[str, float]: ...
    def as_dict(self) -> dict[str, Any]: ...


class Process(Protocol):
    """See `groundhog.Tracee`: one function process under the engine's control."""

    @property
    def pid(self) -> int: ...
    @property
    def strategy(self) -> str: ...
    @property
    def exit_status(self) -> str | None: ...
    def snapshot(self) -> Snapshot: ...
    def start_restore(self, *, verify: bool = False) -> None: ...
    def finish_restore(self) -> Report: ...
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
    ) -> Process: ...


def default_engine() -> Engine:
    """The compiled engine. Imported only here, so that all else works with a fake where it is not built."""
    from groundhog._core import Tracee

    return Tracee
