"""Reads where a file with a name has a hole, by a mapping that was there before: no call is made, and zeros are stored."""

import mmap
import os
from pathlib import Path

SIZE = 1 << 20
path = Path("/dev/shm/holes-mapped")
path.unlink(missing_ok=True)  # where nothing isolates it, it stays
path.touch()
os.truncate(path, SIZE)
with path.open("rb") as file:
    mapping = mmap.mmap(file.fileno(), SIZE, mmap.MAP_PRIVATE, mmap.PROT_READ)
mapping[0]


def main(params):
    blocks = path.stat().st_blocks
    sum(mapping[:: mmap.PAGESIZE])
    return {"blocks": blocks}
