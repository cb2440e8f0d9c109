"""Room is reserved for a file without a name, and nothing written: reading a mapping of it makes that data, and no larger."""

import mmap
import os

SIZE = 1 << 20
written = os.memfd_create("reserved")
os.posix_fallocate(written, 0, SIZE)
file = os.open(f"/proc/self/fd/{written}", os.O_RDONLY)
os.close(written)


def main(params):
    try:
        data = os.lseek(file, 0, os.SEEK_DATA)
    except OSError:
        data = None
    os.lseek(file, 0, os.SEEK_SET)
    with mmap.mmap(file, SIZE, mmap.MAP_PRIVATE, mmap.PROT_READ) as mapping:
        sum(mapping[:: mmap.PAGESIZE])
    return data
