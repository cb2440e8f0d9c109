"""What the launcher of Python functions does to memory before the snapshot."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from groundhog.runners.bootstrap import memory

FILE = Path(memory.__file__)
POOL = 16 * 1024
PAGE = os.sysconf("SC_PAGESIZE")
PROGRAM = f"""
import gc, json, sys
sys.path.insert(0, {str(FILE.parent)!r})
import memory
gc.disable()  # the launcher collects before
holes = [memory.sized(size) for size in range(16, 513, 16) for _ in range(400)]
del holes[::2]
kept = memory.fill_pools()
places = {{}}
for size in range(16, 513, 16):
    one = memory.sized(size)
    assert (sys.getsizeof(one) + 15) // 16 * 16 == size
    places[size] = id(one)
print(json.dumps([sum(map(sys.getsizeof, kept)), places]))
"""


def _settled(**env: str) -> tuple[int, dict[str, int]]:
    """How many bytes are kept, and where the next object of each size is."""
    found = subprocess.run(
        [sys.executable, "-S", "-c", PROGRAM],
        capture_output=True,
        check=True,
        env={**os.environ, **env},
    )
    kept, places = json.loads(found.stdout)
    return kept, places


def test_the_next_object_of_each_size_shares_a_page_with_the_header_of_their_pool() -> None:
    _, places = _settled()
    assert len(places) == 32
    for size, address in places.items():
        assert address % POOL < PAGE, f"of {size} bytes"


@pytest.mark.parametrize("allocator", ["malloc", "malloc_debug", "pymalloc_debug"])
def test_other_allocators_keep_no_more_than_the_limit(allocator: str) -> None:
    kept, _ = _settled(PYTHONMALLOC=allocator)
    assert kept <= 32 * 128 * 1024


ROOM = f"""
import sys
sys.path.insert(0, {str(FILE.parent)!r})
import memory

def mapped():
    return {{line for line in open("/proc/self/maps") if "rw-p 00000000 00:00 0" in line}}

kept = [memory.fill_pools(), memory.make_room()]
assert len(kept[1]) <= memory.ROOM // memory.ARENA + 2
before = mapped()
for _ in range(10):
    request = [dict(number=number) for number in range(2000)]
    del request
print(len(mapped() ^ before))
"""


def test_a_request_finds_room_for_its_objects() -> None:
    """It maps nothing for them, and gives nothing back."""
    found = subprocess.run([sys.executable, "-S", "-c", ROOM], capture_output=True, check=True, text=True)
    assert found.stdout == "0\n"
