"""Two symbolic links to one place exchange their names, and one is watched itself: the watch goes with it."""

import ctypes
import os
from pathlib import Path

IN_ATTRIB, IN_DONT_FOLLOW = 0x4, 0x02000000
libc = ctypes.CDLL(None, use_errno=True)
folder = Path(os.environ.get("TMPDIR", "/tmp"))
watched, other, spare = (folder / f"watched-link-{name}" for name in "abc")
for link in (watched, other):
    link.symlink_to("elsewhere")


def exchange():
    watched.rename(spare)
    other.rename(watched)
    spare.rename(other)


exchange()  # what a file system needs for it is there from now on
exchange()
watching = libc.inotify_init1(os.O_NONBLOCK)
if libc.inotify_add_watch(watching, os.fsencode(watched), IN_ATTRIB | IN_DONT_FOLLOW) < 0:
    raise OSError(ctypes.get_errno(), "inotify_add_watch")


def main(params):
    os.link(watched, spare, follow_symlinks=False)  # changes how many names it has
    spare.unlink()
    try:
        told = len(os.read(watching, 4096)) > 0
    except BlockingIOError:
        told = False
    exchange()
    return told
