"""Programs in which there is a pool go on with what they do: they fork."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.kernel

LIMIT = 60.0  # seconds; what waits in vain waits for as long as the program lives

FORKS = """
import os, signal, threading
from groundhog._core import Tracee

forks = []
def fork():
    while len(forks) < 150:
        pid = os.fork()
        if pid == 0:  # it has what was open in that moment for as long as it lives
            signal.pause()
        forks.append(pid)
thread = threading.Thread(target=fork)
thread.start()
while thread.is_alive():
    with Tracee.spawn(["sleep", "1000"], fds={}, trusted=True) as tracee:
        assert tracee.alive
for pid in forks:
    os.kill(pid, signal.SIGKILL)
"""


def run(program: str) -> None:
    command = [sys.executable, "-W", "ignore", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=False)
    assert done.returncode == 0, done.stderr


def test_a_process_starts_while_the_program_forks() -> None:
    run(FORKS)
