"""Two symbolic links become one with two names, and lead where they led: how many names a link has is told."""

import os
from pathlib import Path

folder = Path(os.environ.get("TMPDIR", "/tmp"))
links = [folder / f"link-{name}" for name in "ab"]
for link in links:
    link.symlink_to("elsewhere")


def main(params):
    count = links[0].lstat().st_nlink
    if count == 1:
        links[1].unlink()
        os.link(links[0], links[1], follow_symlinks=False)
    return count
