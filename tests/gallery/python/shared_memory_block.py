"""Shared memory by name: a block of the load time, and one of the request."""

from multiprocessing import shared_memory

kept = shared_memory.SharedMemory(create=True, size=4096)


def main(params):
    before = kept.buf[0]
    kept.buf[0] = params["n"]
    block = shared_memory.SharedMemory(create=True, size=100)
    block.buf[: params["n"]] = bytes(range(params["n"]))
    held = list(block.buf[: params["n"]])
    block.close()
    block.unlink()
    return {"before": before, "held": held}
