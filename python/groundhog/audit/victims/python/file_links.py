"""Two files of two names each, and of the same contents, exchange one name: all names have what they had."""

import os
from pathlib import Path

folder = Path(os.environ.get("TMPDIR", "/tmp"))
names = [folder / f"links-{name}" for name in "abcd"]
spare = folder / "links-spare"
for first, second in (names[:2], names[2:]):
    first.write_text("same")
    second.hardlink_to(first)
for name in names:  # which by Landlock is refused: putting times back would fail there
    os.utime(name, (1000, 1000))


def exchange():
    names[0].rename(spare)
    names[2].rename(names[0])
    spare.rename(names[2])


exchange()  # what a file system needs for it is there from now on
exchange()


def main(params):
    same = names[0].samefile(names[1])
    if same:
        exchange()
    return same
