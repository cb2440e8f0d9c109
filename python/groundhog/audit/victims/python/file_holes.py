"""Stores zeros where a file has a hole: its contents are the same."""

import os
from pathlib import Path

path = Path(os.environ.get("TMPDIR", "/tmp")) / "holes"
with path.open("wb") as made:
    made.truncate(1 << 20)


def main(params):
    before = path.stat()
    with path.open("r+b") as file:
        file.seek((int(params["secret"][1:]) + 1) * 4096)
        file.write(bytes(4096))
    return {"blocks": before.st_blocks}
