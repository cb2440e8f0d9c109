"""A file of the load time that the request locks, beside a child that finds it locked."""

import fcntl
import os
import tempfile

file = tempfile.NamedTemporaryFile()


def is_locked():
    """Ask in a child, by another opening of the file."""
    child = os.fork()
    if child == 0:
        other = os.open(file.name, os.O_RDWR)
        try:
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1


def main(params):
    before = is_locked()
    fcntl.flock(file, fcntl.LOCK_EX)
    fcntl.lockf(file, fcntl.LOCK_EX, params["n"])
    return {"before": before, "after": is_locked()}
