"""A file that is watched since the snapshot exchanges its name with another, and the watch goes with it."""

import ctypes
import os
from pathlib import Path

IN_MODIFY = 2
folder = Path(os.environ.get("TMPDIR", "/tmp"))
watched, other, spare = folder / "watched", folder / "watched-other", folder / "watched-spare"
watched.write_text("one")
other.write_text("two")


def exchange():
    watched.rename(spare)
    other.rename(watched)
    spare.rename(other)


exchange()  # what a file system needs for it is there from now on
exchange()
libc = ctypes.CDLL(None, use_errno=True)
watch = libc.inotify_init1(os.O_NONBLOCK)
libc.inotify_add_watch(watch, os.fsencode(watched), IN_MODIFY)


def main(params):
    with watched.open("a") as file:
        file.write("more")
    try:
        told = len(os.read(watch, 1000))
    except BlockingIOError:
        told = 0
    exchange()
    return told
