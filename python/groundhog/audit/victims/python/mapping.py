"""Anonymous memory mapped and written by a request, and a mapping of the snapshot unmapped and written."""

import mmap

kept = []
early = mmap.mmap(-1, 1 << 16, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
doomed = mmap.mmap(-1, 1 << 16, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)


def main(params):
    secret = params["secret"].encode()
    seen = {"kept": len(kept), "early": early[: len(secret)].hex(), "closed": doomed.closed}
    new = mmap.mmap(-1, 1 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    new[: len(secret)] = secret
    kept.append(new)
    early[: len(secret)] = secret
    doomed.close()
    return seen
