"""Closes another descriptor of a file that is locked, which ends the lock."""

import fcntl
import os
from pathlib import Path

path = Path(os.environ.get("TMPDIR", "/tmp")) / "locked"
locked = path.open("wb")
fcntl.lockf(locked, fcntl.LOCK_EX)


def main(params):
    locks = Path("/proc/locks").read_text(encoding="ascii").splitlines()
    # Files of other folders in memory have the same numbers.
    own = [line for line in locks if f" {os.getpid()} " in line]
    seen = sum(f":{path.stat().st_ino} " in line for line in own)
    os.close(os.open(path, os.O_RDONLY))
    return seen
