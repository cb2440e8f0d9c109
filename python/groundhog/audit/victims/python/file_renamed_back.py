"""Another file takes the place of an open one, and the first gets its name back: the name leads to the same file again."""

import os
from pathlib import Path

folder = Path(os.environ.get("TMPDIR", "/tmp"))
kept, other, spare = folder / "renamed", folder / "renamed-other", folder / "renamed-spare"
kept.write_text("kept")
other.write_text("other")
descriptor = os.open(kept, os.O_RDWR)


def main(params):
    same = os.fstat(descriptor).st_ino == kept.stat().st_ino
    seen = {
        "contents": os.pread(descriptor, 20, 0).decode(),
        "name": kept.read_text(),
        "same": same,
        "links": os.fstat(descriptor).st_nlink,
        "other": other.read_text() if other.exists() else None,
    }
    if other.exists():
        os.link(kept, spare)
        other.write_text(params["secret"])
        os.pwrite(descriptor, params["secret"][:4].encode(), 0)
        other.rename(kept)
        spare.rename(kept)
    return seen
