"""Memory that nobody else can read (memfd_secret), which a process was given."""

from __future__ import annotations

import ctypes
import os
import sys

import pytest

from groundhog import SnapshotRefusedError, Tracee

pytestmark = [pytest.mark.kernel, pytest.mark.usefixtures("no_leaks")]

MEMFD_SECRET = 447
GIVEN = 9

LOOP = """
import mmap, os, sys
if sys.argv[1] == "mapped":
    memory = mmap.mmap(9, 4096)
    os.close(9)
os.write(1, b"ready")
os.read(0, 1)
"""


@pytest.fixture
def secret_memory() -> int:
    fd: int = ctypes.CDLL(None).syscall(MEMFD_SECRET, os.O_CLOEXEC)
    if fd < 0:
        pytest.skip("this kernel has none")
    os.ftruncate(fd, 4096)
    return fd


@pytest.mark.may_skip("a kernel may be built or started without")
@pytest.mark.parametrize("how", ["mapped", "open"])
def test_no_snapshot_is_taken_of_it(secret_memory: int, how: str) -> None:
    theirs, requests = os.pipe()
    answers, their_answers = os.pipe()
    fds = {0: theirs, 1: their_answers, 2: 2, GIVEN: secret_memory}
    with Tracee.spawn([sys.executable, "-I", "-c", LOOP, how], fds=fds, trusted=True) as tracee:
        for fd in (theirs, their_answers, secret_memory):
            os.close(fd)
        assert os.read(answers, 5) == b"ready"
        with pytest.raises(SnapshotRefusedError, match="secretmem"):
            tracee.snapshot()
    for fd in (requests, answers):
        os.close(fd)
    del tracee
