"""Python's garbage collector, and texts of many small values."""

from __future__ import annotations

import contextlib
import gc
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_LARGE = 1 << 20


@contextlib.contextmanager
def paused_for(size: int) -> Iterator[None]:
    """Let nothing be collected while a text of that many bytes is parsed, if it is a large one.

    The collector would look again and again through what is made, all of which is needed: 60 MB of empty
    lists took ten seconds, in which the event loop served nobody, and take one.
    """
    if size < _LARGE or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
