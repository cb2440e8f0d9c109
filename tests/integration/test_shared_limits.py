"""One function does not take all that its user may have of something: the supervisor needs some, too."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.kernel

LIMIT = 60.0  # seconds

TAKES_ALL_TIMERS = """
import os, resource, sys
from groundhog._core import Tracee

resource.setrlimit(resource.RLIMIT_SIGPENDING, (3000, 3000))
code = '''
import ctypes, sys
libc = ctypes.CDLL(None)
count = 0
while libc.timer_create(1, None, ctypes.byref(ctypes.c_void_p())) == 0:
    count += 1
print(count, flush=True)
sys.stdin.readline()
'''
(ready, output), (given, _held) = os.pipe(), os.pipe()
with Tracee.spawn([sys.executable, "-c", code], fds={0: given, 1: output, 2: 2}, trusted=True):
    assert int(os.read(ready, 10)) > 100
    with Tracee.spawn(["sleep", "1000"], fds={}, trusted=True) as other:
        assert other.alive
"""


def test_a_function_that_takes_all_timers_leaves_some_to_tracers() -> None:
    command = [sys.executable, "-c", TAKES_ALL_TIMERS]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=False)
    assert done.returncode == 0, done.stderr
