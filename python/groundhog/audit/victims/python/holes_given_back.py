"""Room is reserved for a file that it can write to: what reading a mapping of it makes data cannot be reserved again."""

import mmap
import os

SIZE = 1 << 20
file = os.memfd_create("reserved")
os.posix_fallocate(file, 0, SIZE)


def seen():
    try:
        data = os.lseek(file, 0, os.SEEK_DATA)
    except OSError:
        data = None
    os.lseek(file, 0, os.SEEK_SET)
    return [os.fstat(file).st_blocks, data]


def main(params):
    before = seen()
    with mmap.mmap(file, SIZE, mmap.MAP_PRIVATE, mmap.PROT_READ) as mapping:
        sum(mapping[:: mmap.PAGESIZE])
    return before
