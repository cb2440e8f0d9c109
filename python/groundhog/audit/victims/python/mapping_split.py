"""A mapping of the snapshot split for good: its middle page is closed while the outer ones get pages, then opened again."""

import ctypes
import mmap

PAGE, READ_WRITE = mmap.PAGESIZE, mmap.PROT_READ | mmap.PROT_WRITE
PROT_NONE = 0

libc = ctypes.CDLL(None, use_errno=True)
libc.mprotect.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
# Closed at first, so that no neighbour merges with it.
alone = mmap.mmap(-1, 5 * PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, prot=PROT_NONE)
start = ctypes.addressof(ctypes.c_char.from_buffer(alone)) + PAGE


def protect(page, count, protection):
    if libc.mprotect(start + page * PAGE, count * PAGE, protection) != 0:
        raise OSError(ctypes.get_errno(), "mprotect")


protect(0, 3, READ_WRITE)


def mappings():
    with open("/proc/self/maps") as maps:
        ranges = [[int(end, 16) for end in line.split()[0].split("-")] for line in maps]
    return sum(low < start + 3 * PAGE and high > start for low, high in ranges)


def main(params):
    found = mappings()
    protect(1, 1, PROT_NONE)
    # What they hold does not change, so that nobody has to look at them.
    alone[PAGE] = alone[3 * PAGE] = 0
    protect(1, 1, READ_WRITE)
    return {"mappings": found}
