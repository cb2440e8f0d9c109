"""Memory made to be shared with children: an anonymous mapping and one of a memory file."""

import mmap
import os

anonymous = mmap.mmap(-1, 1 << 16)
memory = os.memfd_create("victim")
os.ftruncate(memory, 1 << 16)
mapped = mmap.mmap(memory, 1 << 16)


def main(params):
    secret = params["secret"].encode()
    seen = {
        "anonymous": anonymous[4096 : 4096 + len(secret)].hex(),
        "mapped": mapped[: len(secret)].hex(),
    }
    anonymous[4096 : 4096 + len(secret)] = secret
    mapped[: len(secret)] = secret
    return seen
