"""Whether functions may read a log, which quotes what was printed for others: their files are those of their
user, and a jail hides none that this user may read.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from groundhog._log import log
from groundhog.config import Jail
from groundhog.jail import ids_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Set as AbstractSet


@dataclass(frozen=True, slots=True)
class Reader:
    """Whom functions run as."""

    user: int
    groups: AbstractSet[int]
    privileged: bool
    """Permissions do not bind it."""

    @classmethod
    def of(cls, jail: str, uid: int | None) -> Reader:
        """Of functions that get a jail and a user; None: ours. In any jail they have no capabilities.

        Raises:
            ConfigError: we may not become that user.
        """
        ids = ids_of(uid)
        if ids is not None:
            return cls(ids[0], {ids[1]}, privileged=False)
        ours = os.geteuid()
        return cls(ours, {os.getegid(), *os.getgroups()}, privileged=ours == 0 and jail == Jail.NONE.value)

    def may_read(self, path: Path) -> bool:
        """Whether permissions let it read a file, and enter the folders in which that lies."""
        return self._may(path.stat(), stat.S_IROTH) and all(
            self._may(folder.stat(), stat.S_IXOTH) for folder in path.parents
        )

    def _may(self, status: os.stat_result, bit: int) -> bool:
        if self.privileged:
            return True
        if status.st_uid == self.user:
            bit <<= 6
        elif status.st_gid in self.groups:
            bit <<= 3
        return bool(status.st_mode & bit)


def readable(descriptors: Iterable[int], reader: Reader) -> list[Path]:
    """Return the files to which these go that functions may read. Of what has no name they get nothing."""
    paths = {path for path in map(_file, descriptors) if path is not None}
    return [path for path in sorted(paths) if reader.may_read(path)]


def warn(descriptors: Iterable[int], reader: Reader) -> None:
    """Say which of these go to a file that functions may read."""
    for path in readable(descriptors, reader):
        log.warning(
            "functions can read this log, and so what others had printed: write it where their user may"
            " not read, or run them as another user (--uid)",
            path=str(path),
        )


def _file(descriptor: int) -> Path | None:
    """Where an open file or named pipe lies; None if nowhere, or if nobody can tell."""
    try:
        found = os.fstat(descriptor)
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        named = path.stat()
    except OSError:
        return None
    stored = stat.S_ISREG(found.st_mode) or stat.S_ISFIFO(found.st_mode)
    return path if stored and os.path.samestat(found, named) else None
