"""Makes its working directory anew."""

import os
from pathlib import Path

folder = Path(os.environ.get("TMPDIR", "/tmp")) / "inner"
folder.mkdir()
os.chdir(folder)


def main(params):
    try:
        seen = str(Path.cwd() == folder)
    except FileNotFoundError:
        seen = "gone"
    if folder.exists():
        folder.rmdir()
    folder.mkdir()
    return seen
