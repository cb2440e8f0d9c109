"""Threads that may not be had: functions may take all that their user, or a container, may have."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def started(target: Callable[[], None], name: str) -> threading.Thread | None:
    """A thread for which nobody waits in the end; None: there is none to be had, later there may be.

    A function that starts processes without an end has it so, as long as its request runs.
    """
    thread = threading.Thread(target=target, name=name, daemon=True)
    try:
        thread.start()
    except RuntimeError:
        return None
    return thread
