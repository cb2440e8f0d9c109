"""A folder exchanges its name with another, and a Landlock rule that the program had set for itself goes with it."""

import ctypes
import os
import struct
from pathlib import Path

LANDLOCK_CREATE_RULESET, LANDLOCK_ADD_RULE, LANDLOCK_RESTRICT_SELF = 444, 445, 446
ACCESS_MAKE_REG = 1 << 8
RULE_PATH_BENEATH = 1
PR_SET_NO_NEW_PRIVS = 38
folder = Path(os.environ.get("TMPDIR", "/tmp"))
ruled, other, spare = folder / "ruled", folder / "ruled-other", folder / "ruled-spare"
ruled.mkdir()
other.mkdir()


def exchange():
    ruled.rename(spare)
    other.rename(ruled)
    spare.rename(other)


def restrict():
    """Plain files may be made in one folder only."""
    libc = ctypes.CDLL(None, use_errno=True)
    rules = libc.syscall(LANDLOCK_CREATE_RULESET, struct.pack("Q", ACCESS_MAKE_REG), 8, 0)
    beneath = os.open(ruled, os.O_PATH)
    libc.syscall(LANDLOCK_ADD_RULE, rules, RULE_PATH_BENEATH, struct.pack("=Qi", ACCESS_MAKE_REG, beneath), 0)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if libc.syscall(LANDLOCK_RESTRICT_SELF, rules, 0) != 0:
        raise OSError(ctypes.get_errno(), "landlock_restrict_self")
    os.close(beneath)
    os.close(rules)


exchange()  # what a file system needs for it is there from now on
exchange()
restrict()


def main(params):
    made = ruled / "made"
    try:
        made.touch()
        made.unlink()
        seen = "allowed"
    except PermissionError:
        seen = "refused"
    exchange()
    return seen
