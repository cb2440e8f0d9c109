"""Flags of an open file changed through a duplicate of its descriptor, which is closed again."""

import fcntl
import os

reading, writing = os.pipe()


def main(params):
    seen = {
        "blocking": os.get_blocking(reading),
        "append": bool(fcntl.fcntl(writing, fcntl.F_GETFL) & os.O_APPEND),
    }
    for fd, flag in ((reading, os.O_NONBLOCK), (writing, os.O_APPEND)):
        other = os.dup(fd)
        fcntl.fcntl(other, fcntl.F_SETFL, fcntl.fcntl(other, fcntl.F_GETFL) | flag)
        os.close(other)
    return seen
