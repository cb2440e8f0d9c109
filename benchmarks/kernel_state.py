#!/usr/bin/env python3
"""What looking at kernel state costs a restore if a request did not touch it: with twenty descriptors.

    python benchmarks/kernel_state.py [--restores N]

Prints the median of each phase of the restore, and their sum without those of memory and registers.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
from pathlib import Path

from groundhog import Tracee, capabilities

MEMORY = {"stop", "scan", "copy", "protect", "registers", "resume"}
PROGRAM = """
import os, select, socket, sys, tempfile
files = [tempfile.TemporaryFile() for _ in range(3)] + [open("/dev/null") for _ in range(3)]
pipes = [os.pipe() for _ in range(2)]
sockets = [*socket.socketpair(), socket.socket(socket.AF_INET, socket.SOCK_STREAM)]
events = [os.eventfd(0), os.eventfd(0)]
watching = select.epoll()
watching.register(events[0])
answers = os.fdopen(3, "w")
while len(os.listdir("/proc/self/fd")) - 1 < 20:
    files.append(open("/dev/null"))
print("ready", len(os.listdir("/proc/self/fd")) - 1, file=answers, flush=True)
for line in sys.stdin:
    print("done", file=answers, flush=True)
"""


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--restores", type=int, default=2000)
    restores = parser.parse_args().restores
    child_in, requests = os.pipe()
    answers, child_answers = os.pipe()
    jail = capabilities()["preferred_jail"]
    phases: dict[str, list[float]] = {}
    with (
        Tracee.spawn(
            [sys.executable, "-c", PROGRAM],
            fds={0: child_in, 1: 1, 2: 2, 3: child_answers},
            jail=jail,
            private=["/tmp", Path.cwd()] if jail else [],  # noqa: S108
        ) as tracee,
        os.fdopen(answers) as lines,
    ):
        print(lines.readline().strip(), "descriptors, jail", jail)
        tracee.snapshot()
        for _ in range(restores):
            os.write(requests, b"x\n")
            assert lines.readline() == "done\n"
            for name, seconds in tracee.restore().phases.items():
                phases.setdefault(name, []).append(seconds)
    medians = {name: statistics.median(values) * 1e6 for name, values in phases.items()}
    for name, median in medians.items():
        print(f"{name:12} {median:6.1f} µs")
    print(f"kernel state {sum(median for name, median in medians.items() if name not in MEMORY):6.1f} µs")


if __name__ == "__main__":
    main()
