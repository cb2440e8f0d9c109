"""Whether the kernel should tell of calls that change the layout of a function process, or close descriptors.

Told, a restore after a request that made no such call need not look at either, which is most of what
restoring a small function costs. But each such call stops the process on the request's own time, and so do
those of its children, which make many. So a function that makes many is better off without, and gets
processes without as soon as that shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from groundhog.worker.engine import RestoreReport

WINDOW = 8
"""Requests to judge by."""
_MOST_CALLS = 4.0
"""Calls a request, on average, that are still worth it. Each costs the request some 25 microseconds; to look
costs the restore several hundred, which is better only where nobody waits for it.
"""


def frequent_calls(report: RestoreReport) -> int:
    """How many such calls a request made, at a restore of a process that is watched for them."""
    return report.layout_calls + sum(report.stops.get(call, 0) for call in ("close", "close_range"))


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
        if self._requests == WINDOW:
            if self._calls > _MOST_CALLS * WINDOW:
                self.wanted = False
            self._requests = self._calls = 0
