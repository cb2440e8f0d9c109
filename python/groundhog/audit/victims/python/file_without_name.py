"""Writes into files that have no name any more, through a descriptor and past one that only reads."""

import os
import tempfile
from pathlib import Path

scratch = tempfile.TemporaryFile(buffering=0)
scratch.write(b"x" * 10)
path = Path(os.environ.get("TMPDIR", "/tmp")) / "gone"
path.write_text("x" * 10)
only_read = os.open(path, os.O_RDONLY)
path.unlink()


def main(params):
    seen = [os.pread(fd, 20, 0).decode() for fd in (scratch.fileno(), only_read)]
    secret = params["secret"].encode()
    os.pwrite(scratch.fileno(), secret, 0)
    with open(f"/proc/self/fd/{only_read}", "r+b") as writable:
        writable.write(secret)
    return seen
