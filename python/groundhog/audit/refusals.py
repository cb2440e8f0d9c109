"""The calls that are refused whatever their arguments, as a victim gets them on its command line."""

from __future__ import annotations

import errno
from typing import Any

from groundhog._core import policy

BAD = -1  # no descriptor, no address, no number of anything
UNKNOWN = 4711  # no operation of any call
ARGUMENTS = 6
# In which arguments a call has its operation, and before that its level.
OPERATION = {
    "arch_prctl": (0,),
    "fcntl": (1,),
    "ioctl": (1,),
    "kcmp": (2,),
    "madvise": (2,),
    "membarrier": (0,),
    "prctl": (0,),
    "seccomp": (0,),
    "setsockopt": (1, 2),
    "socket": (0,),
    "socketpair": (0,),
}
# With other arguments they are not refused.
CONDITIONAL = {"clone", "getsockopt"}


def rows() -> list[dict[str, Any]]:
    """All rows of the policy that are refused whatever the other arguments."""
    return [
        row
        for row in policy()
        if row["answer"].startswith("refused from the ")
        and ";" not in row["answer"]
        and row["call"] not in CONDITIONAL
    ]


def arguments() -> tuple[str, ...]:
    """A word for each: its name, the number of the call, its error, and arguments that would do no harm."""
    return tuple(_word(row) for row in rows())


def _word(row: dict[str, Any]) -> str:
    error = getattr(errno, row["answer"].rpartition(" ")[2])
    numbers = [BAD] * ARGUMENTS
    if row["operation"]:
        *level, operation = OPERATION[row["call"]]
        numbers[operation] = UNKNOWN if row["value"] is None else row["value"]
        for at in level:
            numbers[at] = UNKNOWN if row["level"] is None else row["level"]
    listed = ",".join(str(number) for number in (row["number"], error, *numbers))
    return f"{row['call']} {row['operation']}".rstrip() + "=" + listed
