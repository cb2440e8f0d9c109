"""A mapping of the snapshot split for good: its middle page is closed while the outer ones get pages, then opened again."""

import ctypes
import mmap

PAGE, READ_WRITE, PROT_NONE = mmap.PAGESIZE, mmap.PROT_READ | mmap.PROT_WRITE, 0
PRIVATE = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS

libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, *(ctypes.c_int,) * 3, ctypes.c_long)
libc.mprotect.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
# Between closed pages, so that no neighbour merges with it.
start = libc.mmap(None, 5 * PAGE, PROT_NONE, PRIVATE, -1, 0) + PAGE


def protect(page, count, protection):
    if libc.mprotect(start + page * PAGE, count * PAGE, protection) != 0:
        raise OSError(ctypes.get_errno(), "mprotect")


def mappings():
    with open("/proc/self/maps") as maps:
        ranges = [[int(end, 16) for end in line.split()[0].split("-")] for line in maps]
    return sum(low < start + 3 * PAGE and high > start for low, high in ranges)


protect(0, 3, READ_WRITE)


def main(params):
    found = mappings()
    protect(1, 1, PROT_NONE)
    # What they hold does not change, so that nobody has to look at them.
    for page in (0, 2):
        ctypes.memset(start + page * PAGE, 0, 1)
    protect(1, 1, READ_WRITE)
    return {"mappings": found}
