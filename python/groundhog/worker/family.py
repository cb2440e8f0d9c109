"""A function's process, and those that it has started: what they have open."""

from __future__ import annotations

import collections
import contextlib
import itertools
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_LOOKS = 8192
"""At what they have open, to find a socket there: 50 ms."""


def has_open(pid: int, inode: int) -> bool:
    """Whether one of them has the socket with that inode number."""
    wanted = f"socket:[{inode}]"
    opened = itertools.chain.from_iterable(_opened(member) for member in _family(pid))
    return inode != 0 and any(link == wanted for link in itertools.islice(opened, _MOST_LOOKS))


def _family(pid: int) -> Iterator[int]:
    """A process and its descendants."""
    found = collections.deque([pid])
    while found:
        member = found.popleft()
        yield member
        with contextlib.suppress(OSError, ValueError):
            for task in Path(f"/proc/{member}/task").iterdir():
                found.extend(int(child) for child in (task / "children").read_text().split())


def _opened(pid: int) -> Iterator[str]:
    """What a process has open, one after the other; of one that has ended, that it has."""
    folder = f"/proc/{pid}/fd"
    yield ""  # it counts, whatever it has
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):  # noqa: PTH208 - many names, of which one is looked at
            with contextlib.suppress(OSError):
                yield os.readlink(f"{folder}/{name}")  # noqa: PTH115
