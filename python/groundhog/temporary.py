"""Folders for the time that this process runs, of which the name tells whose they are.

One that is killed leaves them. So the next one that starts removes what others of its user have left: those
whose process is gone, in the same namespace of processes, since others cannot be seen to be gone.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import tempfile
from pathlib import Path

from groundhog._log import log
from groundhog.removal import remove

_NAME = re.compile(r"groundhog-[a-z]+-(\d+)\.(\d+)\.(\d+)-\w+")
_START_TIME = 19
"""Among the fields of ``/proc/PID/stat`` behind the name: see proc(5)."""


def folder(kind: str) -> Path:
    """A new one in the system's place for temporary files; only our user may enter it.

    Raises:
        OSError: it cannot be made, or nobody could tell later whose it is.
    """
    pid = os.getpid()
    return Path(tempfile.mkdtemp(prefix=f"groundhog-{kind}-{_namespace()}.{pid}.{_started(pid)}-"))


def remove_left() -> None:
    """Remove what processes of our user have left that are gone."""
    namespace = _namespace()
    with os.scandir(tempfile.gettempdir()) as entries:
        for entry in entries:
            found = _NAME.fullmatch(entry.name)
            if found is None or found[1] != namespace:
                continue
            with contextlib.suppress(OSError):  # another one removes it, too, or nobody tells if it is left
                if _started(int(found[2])) == found[3]:
                    continue
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid():
                    remove(Path(entry.path))
                    log.info("removed what a process has left that was killed", path=entry.path)


def _namespace() -> str:
    """Which processes we see."""
    return str(os.stat("/proc/self/ns/pid").st_ino)  # noqa: PTH116 - a link that leads to no path


def _started(pid: int) -> str:
    """When a process was started, in the kernel's units; "0" if there is none.

    Raises:
        OSError: there may be one. For want of a descriptor, nobody can look.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return "0"
    return fields[_START_TIME].decode()
