"""A file that is mapped, shared, since the load time."""

import mmap
import tempfile

file = tempfile.NamedTemporaryFile()
file.write(b"a" * 65536)
file.flush()
memory = mmap.mmap(file.fileno(), 0)


def main(params):
    before = memory[:8].decode()
    memory[0 : params["n"]] = b"b" * params["n"]
    memory.flush()
    file.seek(0)
    return {"before": before, "after": file.read(8).decode()}
