"""Makes a folder anew that is open since before the snapshot."""

import os
from pathlib import Path

folder = Path(os.environ.get("TMPDIR", "/tmp")) / "inner"
folder.mkdir()
opened = os.open(folder, os.O_RDONLY)


def main(params):
    try:
        os.mkdir("probe", dir_fd=opened)
        os.rmdir("probe", dir_fd=opened)
        seen = "there"
    except FileNotFoundError:
        seen = "gone"
    folder.rmdir()
    folder.mkdir()
    return seen
