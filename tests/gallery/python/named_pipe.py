"""A named pipe between two threads."""

import os
import tempfile
import threading
from pathlib import Path


def main(params):
    pipe = Path(tempfile.mkdtemp()) / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=("word " * params["n"],))
    writer.start()
    words = pipe.read_text().split()
    writer.join()
    pipe.unlink()
    return {"words": words}
