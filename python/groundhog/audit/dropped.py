"""`python -m groundhog.audit.dropped`: a trial, as JSON on standard input, by an unprivileged supervisor.

The process becomes uid and gid 65534 without groups, capabilities or a way to get any (`no_new_privs`), as a
container platform would start it. It drops by itself instead of being started by setpriv(1), because the
interpreter may lie in a folder that nobody else may enter.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

from groundhog.audit.trials import Trial, run_traced

NOBODY = 65534
PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 4, 24, 38


def _prctl(option: int, argument: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, ctypes.c_ulong(argument), 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"prctl({option}, {argument}): {os.strerror(number)}")


def _status(name: str) -> str:
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(line.split(":", 1)[1].strip() for line in lines if line.startswith(name + ":"))


def drop() -> None:
    """Give up every privilege, and check that none is left."""
    if os.geteuid() == 0:
        last = int(Path("/proc/sys/kernel/cap_last_cap").read_text(encoding="ascii"))
        for capability in range(last + 1):
            _prctl(PR_CAPBSET_DROP, capability)
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    _prctl(PR_SET_NO_NEW_PRIVS, 1)
    # As after an exec: changing ids made the process undumpable, and its own /proc unreadable to it.
    _prctl(PR_SET_DUMPABLE, 1)
    if os.getuid() == 0 or int(_status("CapPrm"), 16) or int(_status("CapEff"), 16):
        raise PermissionError("privileges are left after dropping them")


def main() -> None:
    """Run the trial, and print its outcome as JSON."""
    trial = Trial.from_json(sys.stdin.read())
    drop()
    sys.stdout.write(run_traced(trial).to_json())


if __name__ == "__main__":
    main()
