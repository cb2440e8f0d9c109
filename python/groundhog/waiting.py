"""The requests that wait for a worker: each domain's in order, the domains in turn.

Who asks more than others waits longer, and is the first for whom there is no room. Requests without a domain
count as those of one.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from groundhog.worker import Job


class Waiting:
    """Jobs by domain. True if there are any."""

    def __init__(self) -> None:
        self._lines: dict[str | None, deque[Job]] = {}
        """None is empty. The first domain has the next turn."""

    def __len__(self) -> int:
        return sum(map(len, self._lines.values()))

    def __bool__(self) -> bool:
        return bool(self._lines)

    def __iter__(self) -> Iterator[Job]:
        for line in self._lines.values():
            yield from line

    def __contains__(self, job: Job) -> bool:
        return job in self._lines.get(job.domain, ())

    def append(self, job: Job) -> None:
        """Let it wait behind the others of its domain."""
        self._lines.setdefault(job.domain, deque()).append(job)

    def first(self) -> Job:
        """Whose turn it is."""
        return next(iter(self))

    def pop(self) -> Job:
        """Take the first; the next of its domain comes after all other domains have had their turn."""
        job = self.first()
        line = self._lines.pop(job.domain)
        line.popleft()
        if line:
            self._lines[job.domain] = line
        return job

    def put_back(self, job: Job) -> None:
        """Give it the next turn again."""
        line = self._lines.pop(job.domain, deque())
        line.appendleft(job)
        self._lines = {job.domain: line, **self._lines}

    def remove(self, job: Job) -> None:
        """Forget one that waits."""
        line = self._lines[job.domain]
        line.remove(job)
        if not line:
            del self._lines[job.domain]

    def crowding_out(self, domain: str | None) -> Job | None:
        """The newest of the domain with the most, if that has more than this one would have with one more."""
        most = max(self._lines.values(), key=len, default=deque())
        return most[-1] if len(most) > len(self._lines.get(domain, ())) + 1 else None
