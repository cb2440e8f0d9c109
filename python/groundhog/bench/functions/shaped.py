"""A process of a given shape: memory, threads, mappings and descriptors, and pages that each request writes.

What it has of them stands as JSON in ``GROUNDHOG_SHAPE``.
"""

from __future__ import annotations

import json
import mmap
import os
import threading

_PAGE = mmap.PAGESIZE
_SHAPE = {"pages": 0, "mib": 0, "threads": 0, "mappings": 0, "descriptors": 0, "spread": 0} | json.loads(
    os.environ.get("GROUNDHOG_SHAPE", "{}")
)


def _resident(size: int) -> mmap.mmap:
    memory = mmap.mmap(-1, max(size, _PAGE), mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    view = memoryview(memory)
    view[::_PAGE] = b"x" * (len(view) // _PAGE)
    return memory


def _mapped(count: int) -> list[mmap.mmap]:
    """Every other one cannot be written: the kernel joins none of them."""
    protections = (mmap.PROT_READ, mmap.PROT_READ | mmap.PROT_WRITE)
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    return [mmap.mmap(-1, _PAGE, flags, protections[number % 2]) for number in range(count)]


_MEMORY = _resident(max(_SHAPE["mib"] << 20, _SHAPE["pages"] * _PAGE))
_MAPPINGS = _mapped(_SHAPE["mappings"])
_DESCRIPTORS = [os.open(os.devnull, os.O_RDONLY) for _ in range(_SHAPE["descriptors"])]
_END = threading.Event()
for _ in range(_SHAPE["threads"]):
    threading.Thread(target=_END.wait, daemon=True).start()
_PAGES = _SHAPE["pages"]
# All over the memory, or every other page of one part of it.
_APART = len(_MEMORY) // _PAGE // max(1, _PAGES)
_STRIDE = max(1, _APART if _SHAPE["spread"] else min(2, _APART)) * _PAGE
_WRITTEN = memoryview(_MEMORY)[: _PAGES * _STRIDE : _STRIDE]


def main(params: dict[str, int]) -> dict[str, int]:
    """Write a byte into each of the pages."""
    _WRITTEN[:] = bytes([params["byte"]]) * _PAGES
    return {"pages": _PAGES}
