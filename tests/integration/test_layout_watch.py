"""A function that maps memory in every request gets a process that is not stopped for it."""

from __future__ import annotations

import resource
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import groundhog
from groundhog.observer import NullObserver

if TYPE_CHECKING:
    from collections.abc import Callable

    from groundhog.worker.engine import RestoreReport

pytestmark = pytest.mark.kernel

CHATTY = """
import mmap, os
SEEN = []
def main(params):
    SEEN.append(params["n"])
    for _ in range(4):
        with mmap.mmap(-1, 1 << 16, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as piece:
            piece[0] = 1
    return {"seen": len(SEEN), "pid": os.getpid()}
"""


class Restores(NullObserver):
    """Keeps what each restore found, and why processes were retired."""

    def __init__(self) -> None:
        self.calls: list[int] = []
        self.reasons: list[str] = []

    def on_restore(self, report: RestoreReport) -> None:
        self.calls.append(report.layout_calls)

    def on_retire(self, reason: str, message: str) -> None:  # noqa: ARG002
        self.reasons.append(reason)


async def test_its_process_is_replaced_once_and_no_request_notices(
    source: Callable[[str, str], Path],
) -> None:
    function = groundhog.Function.from_file(source("chatty.py", CHATTY))
    restores = Restores()
    pids: list[int] = []
    async with groundhog.Pool(function, 1, observer=restores) as pool:
        while "superseded" not in restores.reasons:
            value = (await pool.invoke({"n": len(pids)})).value
            assert value["seen"] == 1
            pids.append(value["pid"])
        watched = restores.calls.copy()
        for _ in range(20):
            value = (await pool.invoke({"n": 1})).value
            assert value["seen"] == 1
            pids.append(value["pid"])
        assert pool.stats().workers == {"clean": 1} or pool.stats().workers == {"restoring": 1}
    assert max(watched) >= 8
    assert set(restores.calls[len(watched) + 1 :]) == {0}
    assert len(set(pids)) == 2
    assert restores.reasons == ["superseded"]


MANY = """
import mmap, os
OPEN = [os.open("/dev/null", os.O_RDONLY) for _ in range(300)]
def main(params):
    for _ in range(4):
        with mmap.mmap(-1, 1 << 16, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as piece:
            piece[0] = 1
    os.close(OPEN.pop())
    return {"open": len(OPEN)}
"""


def own_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_it_costs_no_more_descriptors_than_others(source: Callable[[str, str], Path]) -> None:
    function = groundhog.Function.from_file(source("many.py", MANY))
    restores = Restores()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # Two processes are there for a while.
    resource.setrlimit(resource.RLIMIT_NOFILE, (own_descriptors() + 2 * 300 + 150, hard))
    try:
        async with groundhog.Pool(function, 1, observer=restores) as pool:
            enough = time.monotonic() + 30
            while "superseded" not in restores.reasons:
                assert (await pool.invoke({})).value == {"open": 299}
                assert time.monotonic() < enough, "its successor does not come up"
            for _ in range(3):
                assert (await pool.invoke({})).value == {"open": 299}
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert restores.reasons == ["superseded"]
