"""Signals that come to another thread wake the event loop, whose thread alone runs their handlers."""

from __future__ import annotations

import contextlib
import signal
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator

_MOST = 4096


@contextlib.contextmanager
def woken_by_signals(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """Have a loop that waits go on when a signal comes, whichever thread the kernel gives it to. Without, one
    that comes while the main thread starts another one, which the C library does with all signals blocked, is
    handled when something else happens: for an idle server, never. To be entered in the main thread.
    """
    reading, writing = socket.socketpair()
    with reading, writing:
        reading.setblocking(False)
        writing.setblocking(False)
        loop.add_reader(reading, reading.recv, _MOST)
        before = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(before)
            loop.remove_reader(reading)
