"""A descriptor of the snapshot replaced by another file under the same number, the true one kept elsewhere."""

import os
import tempfile

table = tempfile.TemporaryFile()
table.write(b"prices of the day")
table.flush()
true = None


def main(params):
    global true
    seen = {"reads": os.pread(table.fileno(), 100, 0).decode(), "kept": true is not None}
    if true is None:
        true = os.dup(table.fileno())
        with tempfile.TemporaryFile() as other:
            os.dup2(other.fileno(), table.fileno())
    os.pwrite(table.fileno(), params["secret"].encode(), 0)
    return seen
