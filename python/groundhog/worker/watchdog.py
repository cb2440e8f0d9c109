"""Ends a function process on whose pipe the event loop has fallen asleep.

A read or write that is not to wait does so nonetheless while somebody holds the lock of the pipe in the
kernel (fs/pipe.c), as long as that is: whoever writes what has to be fetched first, for one. No signal
reaches the loop then, so that neither time limits nor SIGTERM have any effect. The lock goes with the process
that holds it.
"""

from __future__ import annotations

import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundhog._log import log

if TYPE_CHECKING:
    from collections.abc import Callable

    Guard = Callable[..., Any]
    """Calls its first argument with the others, and has the process end if that does not return."""

LOOK_S = 0.5
LOOKS = 3
"""A call that is found at so many looks, out of reach of signals at the last one, is stuck."""


class Watchdog:
    """Watches the one call that an event loop makes at a time, from a thread of its own."""

    def __init__(self) -> None:
        self._under_way: tuple[int, Callable[[], None]] | None = None
        self._begun = 0
        self._caller = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="groundhog-watchdog", daemon=True)

    def start(self) -> None:
        """Begin to watch the thread that calls this."""
        self._caller = threading.get_native_id()
        self._thread.start()

    def stop(self) -> None:
        """Watch nothing any more."""
        self._ended.set()
        self._thread.join()

    def guard(self, pid: int, kill: Callable[[], None]) -> Guard:
        """Return what makes calls for a process; ``kill``, from any thread, ends that."""
        return partial(self._call, (pid, kill))

    def _call(self, of: tuple[int, Callable[[], None]], function: Callable[..., Any], *args: Any) -> Any:
        self._begun += 1
        self._under_way = of
        try:
            return function(*args)
        finally:
            self._under_way = None

    def _watch(self) -> None:
        seen, looks = 0, 0
        while not self._ended.wait(LOOK_S):
            of, call = self._under_way, self._begun
            looks = looks + 1 if of is not None and call == seen else 1
            seen = call
            if of is not None and looks >= LOOKS and self._is_out_of_reach() and call == self._begun:
                pid, kill = of
                log.error("a function process holds a pipe that nobody else can use: killed", pid=pid)
                kill()

    def _is_out_of_reach(self) -> bool:
        """Whether the caller sleeps where no signal wakes it."""
        try:
            text = Path(f"/proc/self/task/{self._caller}/stat").read_bytes()
        except OSError:  # it has ended
            return False
        return text.rpartition(b")")[2].split()[0] == b"D"
