"""Descriptors left open, and buffered text that was never flushed."""

import os
import sys
import tempfile

kept = []
at_start = len(os.listdir("/proc/self/fd"))


def main(params):
    seen = {"open": len(os.listdir("/proc/self/fd")) - at_start, "kept": len(kept)}
    file = tempfile.TemporaryFile("w+")
    file.write(params["secret"])
    kept.append(file)
    sys.stderr.write(params["secret"])
    sys.stdout.write(params["secret"])
    return seen
