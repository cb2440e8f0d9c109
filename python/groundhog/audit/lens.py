"""An engine that looks at its processes before it reverts them: an audited function's pool runs on it."""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundhog._core import Tracee
from groundhog.audit.outside import Files, Folder, Left, View, changed_files, differences, look
from groundhog.errors import GroundhogError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from groundhog._core import RestoreReport, SnapshotInfo

_SETTLE_S = 0.1


@dataclass
class Sight:
    """What one request had left when it was about to be reverted."""

    memory: list[dict[str, Any]] = field(default_factory=list)
    layout: list[dict[str, Any]] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    unseen: str = ""  # why it could not be looked at, or not at all of it


class Lens:
    """Makes processes as `groundhog.Tracee` does, and looks at the one that it is pointed at."""

    def __init__(self, folders: Sequence[Folder]) -> None:
        self._folders = folders
        self._files: list[Files | None] = []
        self._pid: int | None = None
        self._jailed = False
        self._before: dict[int, View] = {}
        self.sight: Sight | None = None

    def spawn(self, argv: Sequence[str], **options: Any) -> Watched:
        """See `groundhog.Tracee.spawn`."""
        made = Tracee.spawn(argv, **options)
        self._jailed = options.get("jail") is not None
        return Watched(made, self)

    def point_at(self, pid: int) -> None:
        """The next restore of this process is to be looked at."""
        self._pid = pid
        self.sight = None
        self._files = [folder.files(self._root()) for folder in self._folders]

    def snapshotted(self, process: Tracee) -> None:
        """This is how it is when it is clean."""
        self._before[process.pid] = look(process.pid)

    def look(self, process: Tracee) -> None:
        """Before it is reverted."""
        if process.pid != self._pid or self.sight is not None:
            return
        self.sight = sight = Sight()
        _settle(process.pid)
        try:
            changes = process.changes()
        except GroundhogError as error:
            sight.unseen = str(error)
        else:
            sight.memory, sight.layout = changes["memory"], changes["layout"]
        sight.left = differences(self._before.get(process.pid, View()), look(process.pid))
        sight.left += self._changed_files(own=True) + self._changed_files(own=False)

    def remains(self) -> list[Left]:
        """What is still there once the process has been reverted: nothing, but for files."""
        assert self._pid is not None  # noqa: S101 - a request has been served
        now = look(self._pid)
        left = differences(self._before[self._pid], now) if now.settings.get("umask") else []
        # Its private files have been compared, too; only the times of their last change of state differ.
        return left if self._jailed else left + self._changed_files(own=True)

    def _root(self) -> str:
        """Where the process sees its files."""
        return f"/proc/{self._pid}/root" if self._jailed else ""

    def too_large(self) -> list[str]:
        """The folders that have too many files to be looked at."""
        return [
            str(folder.path)
            for folder, files in zip(self._folders, self._files, strict=False)
            if files is None
        ]

    def _changed_files(self, *, own: bool) -> list[Left]:
        left = []
        for folder, before in zip(self._folders, self._files, strict=False):
            if folder.own == own:
                seen = changed_files(before, folder.files(self._root()))
                left += seen if own else [Left(f"{item.kind} (anybody's)", item.what) for item in seen]
        return left


class Watched:
    """A process that is looked at before each of its restores; see `groundhog.Tracee` for the rest."""

    # ruff: noqa: D102 - the members are described where the compiled module is

    def __init__(self, process: Tracee, lens: Lens) -> None:
        self._process = process
        self._lens = lens

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def strategy(self) -> str:
        return self._process.strategy

    @property
    def exit_status(self) -> str | None:
        return self._process.exit_status

    def snapshot(self) -> SnapshotInfo:
        taken = self._process.snapshot()
        self._lens.snapshotted(self._process)
        return taken

    def take_callers(self) -> list[int]:
        return self._process.take_callers()

    def listeners(self) -> list[tuple[str, int]]:
        return self._process.listeners()

    def start_restore(self, *, verify: bool = False) -> None:
        self._lens.look(self._process)
        self._process.start_restore(verify=verify)

    def finish_restore(self) -> RestoreReport:
        return self._process.finish_restore()

    def fileno(self) -> int:
        return self._process.fileno()

    def exit_fileno(self) -> int:
        return self._process.exit_fileno()

    def kill(self) -> None:
        self._process.kill()

    def close(self) -> None:
        self._process.close()


def _settle(pid: int) -> None:
    """Wait until its main thread sleeps, as a rule in the read of the next request: what it does after its
    answer is to be seen, too. The kernel announces that nowhere.
    """
    deadline = time.monotonic() + _SETTLE_S
    stat = Path(f"/proc/{pid}/stat")
    with contextlib.suppress(OSError):
        while time.monotonic() < deadline and stat.read_bytes().rpartition(b")")[2].split()[0] in b"RD":
            os.sched_yield()
