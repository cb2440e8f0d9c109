"""Shared memory written without touching its mapping: through the descriptor, and through a mapping made for it."""

import mmap
import os

memory = os.memfd_create("victim")
os.ftruncate(memory, 1 << 16)
mapped = mmap.mmap(memory, 1 << 16)


def main(params):
    secret = params["secret"].encode()
    seen = {"first": mapped[: len(secret)].hex(), "second": mapped[8192 : 8192 + len(secret)].hex()}
    os.pwrite(memory, secret, 0)
    with mmap.mmap(memory, 1 << 16) as other:
        other[8192 : 8192 + len(secret)] = secret
    return seen
