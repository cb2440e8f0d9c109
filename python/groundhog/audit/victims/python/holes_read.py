"""A file without a name, which it cannot write to, has holes: whoever maps it and reads there has the kernel store zeros."""

import mmap
import os

SIZE = 1 << 20
written = os.memfd_create("holes")
os.truncate(written, SIZE)
file = os.open(f"/proc/self/fd/{written}", os.O_RDONLY)
os.close(written)


def main(params):
    blocks = os.fstat(file).st_blocks
    with mmap.mmap(file, SIZE, mmap.MAP_PRIVATE, mmap.PROT_READ) as mapping:
        sum(mapping[:: mmap.PAGESIZE])
    return {"blocks": blocks}
