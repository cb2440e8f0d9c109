"""Removes a file that was there before the process, and is mapped."""

import mmap
import os
from pathlib import Path

path = Path(os.environ.get("TMPDIR", "/tmp")) / "below"
with path.open("rb") as file:
    mapped = mmap.mmap(file.fileno(), 0, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ)


def main(params):
    maps = Path("/proc/self/maps").read_text(encoding="utf-8")
    seen = sum(f"{path} (deleted)" in line for line in maps.splitlines())
    path.unlink(missing_ok=True)
    return seen
