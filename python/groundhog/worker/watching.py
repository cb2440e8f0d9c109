"""Whether the kernel should tell of calls that change the layout of a function process, or close descriptors.

Told, a restore after a request that made no such call need not look at either, which is most of what
restoring a small function costs. But each such call stops the process on the request's own time, and so do
those of its children, which make many. So a function that makes many is better off without, and gets
processes without as soon as that shows.
"""

from __future__ import annotations

_WINDOW = 8
"""Requests to judge by."""
_MOST_CALLS = 4.0
"""Calls a request, on average, that are still worth it. Each costs the request some 25 microseconds; to look
costs the restore several hundred, which is better only where nobody waits for it.
"""


class LayoutWatch:
    """What a pool has seen of its function's calls of this kind; one for all its workers."""

    __slots__ = ("_calls", "_requests", "wanted")

    def __init__(self) -> None:
        self.wanted = True
        """New processes are to be watched. Once False, it stays so."""
        self._requests = 0
        self._calls = 0

    def note(self, calls: int) -> None:
        """A request to a watched process made so many calls."""
        self._requests += 1
        self._calls += calls
        if self._requests == _WINDOW:
            if self._calls > _MOST_CALLS * _WINDOW:
                self.wanted = False
            self._requests = self._calls = 0
