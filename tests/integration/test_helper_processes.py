"""Processes that libraries start while a function loads: those that are known end before the snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from groundhog import Function, Pool, SnapshotRefusedError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Source = Callable[[str, str], Path]

pytestmark = [pytest.mark.kernel, pytest.mark.long, pytest.mark.usefixtures("no_leaks")]

SHARED_MEMORY = """
from multiprocessing import get_context, shared_memory

memory = shared_memory.SharedMemory(create=True, size=100)
semaphore = get_context("spawn").Semaphore(2)

def main(params):
    again = shared_memory.SharedMemory(memory.name)
    found = bytes(again.buf[:6])
    again.buf[:6] = b"secret"
    again.close()
    return {"found": found.hex(), "acquired": [semaphore.acquire(False) for _ in range(3)]}
"""

EXECUTOR = """
from loky import get_reusable_executor

def main(params):
    executor = get_reusable_executor(max_workers=2)
    return {"sums": list(executor.map(abs, [-1, -2, -3]))}
"""

FORK_SERVER = """
from multiprocessing import get_context

def main(params):
    context = get_context("forkserver")
    queue = context.SimpleQueue()
    process = context.Process(target=queue.put, args=(params["n"],))
    process.start()
    n = queue.get()
    process.join()
    return {"n": n, "children": process.pid is not None}
"""

LISTED = """
import subprocess, sys
from multiprocessing import get_context

pool = get_context("fork").Pool(1)
other = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)

def main(params):
    return {}
"""


async def test_the_resource_tracker(source: Source) -> None:
    function = Function.from_file(source("handler.py", SHARED_MEMORY))
    async with Pool(function, verify=True) as pool:
        for _ in range(3):
            reply = await pool.invoke({})
            assert reply.value == {"found": "00" * 6, "acquired": [True, True, False]}
        assert pool.stats().retirements == {}


async def test_an_executor_of_loky(source: Source) -> None:
    function = Function.from_file(source("handler.py", EXECUTOR), warmup=[{}])
    async with Pool(function, verify=True) as pool:
        for _ in range(2):
            assert (await pool.invoke({})).value == {"sums": [1, 2, 3]}
        assert pool.stats().retirements == {}


async def test_a_fork_server_of_a_request(source: Source) -> None:
    """It is handed pipes of the request, through a socket of the request."""
    async with Pool(Function.from_file(source("handler.py", FORK_SERVER)), verify=True) as pool:
        for n in range(2):
            assert (await pool.invoke({"n": n})).value == {"n": n, "children": True}
        assert pool.stats().retirements == {}


async def test_a_fork_server_of_the_warm_up(source: Source) -> None:
    """It is what a pool of processes comes from by default since Python 3.14."""
    function = Function.from_file(source("handler.py", FORK_SERVER), warmup=[{"n": 7}])
    async with Pool(function, verify=True) as pool:
        for n in range(2):
            assert (await pool.invoke({"n": n})).value == {"n": n, "children": True}
        assert pool.stats().retirements == {}


async def test_a_fork_server_that_is_in_use(source: Source) -> None:
    text = LISTED.replace('"fork"', '"forkserver"')
    with pytest.raises(SnapshotRefusedError, match=r"it has 3 child processes"):
        await Pool(Function.from_file(source("handler.py", text))).start()


async def test_others_are_named(source: Source) -> None:
    pool = Pool(Function.from_file(source("handler.py", LISTED)))
    with pytest.raises(SnapshotRefusedError, match=r"it has 2 child processes") as caught:
        await pool.start()
    assert "(a fork of it)" in str(caught.value)
    assert "-c import sys; sys.stdin.read())" in str(caught.value)
    assert "start them in the request, or end them before the snapshot" in str(caught.value)
