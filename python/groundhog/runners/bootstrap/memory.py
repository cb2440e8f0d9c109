"""Where requests will write, settled before the snapshot. Used by the launcher."""

from __future__ import annotations

import sys

POOL = 16 * 1024 if sys.version_info >= (3, 10) else 4 * 1024
HEADER = 48
STEP, LARGEST = 16, 512
FILLERS = 128 * 1024
"""At most, in bytes of each size."""
ARENA = 1024 * 1024 if sys.version_info >= (3, 10) else 256 * 1024
"""What the interpreter maps at a time, and gives back when nothing is left in it."""
ROOM = 2 * 1024 * 1024
IN_ORDER = 4
"""So many objects from a pool's beginning on, one after the other, are not just holes: the pool is new."""


def fill_pools() -> list[object]:
    """Have the small objects of a request lie side by side: on fewer pages, which are fewer to restore.

    The interpreter takes each size of up to 512 bytes from pools of its own, and from a new one when those
    that it has are full; the first objects of a new one share a page with its header (Objects/obmalloc.c). In
    programs tried, 0.3 to 0.5 MB fill them all. Other allocators gain nothing, but the limit ends it.

    Returns:
        What fills them.
    """
    fillers: list[object] = []
    size = STEP
    while size <= LARGEST:  # an iterator would leave a hole behind
        left, in_order, before = FILLERS // size, 0, 0
        while left and in_order < IN_ORDER:
            fillers.append(sized(size))
            address = id(fillers[-1])
            if address % POOL == HEADER:
                in_order = 1
            elif in_order:
                in_order = in_order + 1 if address == before + size else 0
            before = address
            left -= 1
        while in_order > 1:  # the last first: a request gets the lowest first
            fillers.pop()
            in_order -= 1
        size += STEP
    return fillers


def make_room() -> list[object]:
    """Have memory lie ready in which a request finds new pools: what fills the old ones has taken that of the
    warm-up. Else each request would map it anew, page by page, and the restore give it back.

    Returns:
        What keeps it from being given back before.
    """
    kept: dict[int, object] = {}
    room = [sized(LARGEST) for _ in range(ROOM // LARGEST)]
    for each in room:
        kept.setdefault(id(each) // ARENA, each)
    return list(kept.values())


def sized(size: int) -> object:
    """A new object of as many bytes, a multiple of 16, which the garbage collector does not know."""
    if size == STEP:
        return object()
    return float(size) if size == 2 * STEP else bytes(size - sys.getsizeof(b""))
