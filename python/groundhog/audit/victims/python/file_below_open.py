"""Writes into a file that was there before the process, and is open for reading, and removes it."""

import os
from pathlib import Path

path = Path(os.environ.get("TMPDIR", "/tmp")) / "below"
opened = os.open(path, os.O_RDONLY)


def main(params):
    seen = os.pread(opened, 20, 0).decode()
    if path.exists():
        with path.open("r+b") as file:
            file.write(params["secret"].encode())
        path.unlink()
    return seen
