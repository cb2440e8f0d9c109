"""Who is told what came from a process, in tests of channels."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from groundhog.errors import InvocationError


class Recorder:
    """What the channel tells, in order."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()

    def on_answer(self, line: bytes) -> None:
        self.events.put_nowait(("answer", line))

    def on_hooks_done(self) -> None:
        self.events.put_nowait(("hooks done", None))

    def on_broken(self, error: InvocationError) -> None:
        self.events.put_nowait(("broken", error))

    def on_stray(self, data: bytes) -> None:
        self.events.put_nowait(("stray", data))

    def on_end(self) -> None:
        self.events.put_nowait(("end", None))
