"""One request on its way through a pool."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from groundhog.protocols.actionloop import request_line

if TYPE_CHECKING:
    import asyncio

    import h11

    from groundhog.config import Reply, Timings
    from groundhog.protocols.http_message import Headers


_LAST_MS = 2**53 - 1
"""The last millisecond that any parser of JSON reads as it is."""


def deadline_ms(timeout_s: float) -> int:
    """When so many seconds are over, counted from now; of a limit that is practically none, too."""
    return int(min((time.time() + timeout_s) * 1000, _LAST_MS))


@dataclass(slots=True, eq=False)
class Job:
    """A request that waits or runs; ``future`` belongs to the caller, who may have gone away."""

    value: bytes
    """The parameters as JSON."""
    context: bytes
    """The further members of the message, each with a comma before it."""
    has_deadline: bool
    """Whether ``context`` has one already."""
    domain: str | None
    timeout_s: float
    future: asyncio.Future[Reply]
    queued_at: float = field(default_factory=time.perf_counter)
    timings: Timings | None = None
    """Once it has ended, well or badly, if a process had got it."""

    def members(self) -> dict[str, Any]:
        """The further members of the message, for who puts them elsewhere than behind the parameters."""
        members: dict[str, Any] = json.loads(b"{%b}" % self._members()[1:])
        return members

    def line(self) -> bytes:
        """The request line. The deadline counts from now: the function's time is not spent in the queue."""
        return request_line(self.value, self._members())

    def _members(self) -> bytes:
        if self.has_deadline:
            return self.context
        return self.context + b',"deadline":"%d"' % deadline_ms(self.timeout_s)


class Sink(Protocol):
    """Takes an answer as it comes. Called on the event loop."""

    def head(self, status: int, headers: Headers) -> None:
        """It begins."""

    def data(self, data: bytes) -> None:
        """A part of its body."""


@dataclass(slots=True, eq=False, kw_only=True)
class ForwardedJob(Job):
    """A request for a server of HTTP as it came, whose answer goes where it is wanted while it comes."""

    sent: bytes
    parser: h11.Connection
    """Which was told of it, and takes the answer."""
    sink: Sink


class ControlJob(Job):
    """A control line for a launcher of ours, in place of a request; ``value`` is all of it."""

    __slots__ = ()

    @classmethod
    def of(cls, line: bytes, timeout_s: float, future: asyncio.Future[Reply]) -> ControlJob:
        """The line, for nobody's domain."""
        return cls(
            value=line, context=b"", has_deadline=True, domain=None, timeout_s=timeout_s, future=future
        )

    def line(self) -> bytes:
        """The line as it is."""
        return self.value
