"""Functions of the gallery that need no package, one for each kind of thing; `make gallery` runs them all."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from groundhog import Function, Isolation
from tests.gallery.catalog import ENTRIES, Entry
from tests.gallery.environment import Environment
from tests.gallery.measuring import BROKEN, FAILS, REPLACED, REVERTED, WRONG, measure

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Source = Callable[[str, str], Path]

pytestmark = [pytest.mark.kernel, pytest.mark.usefixtures("no_leaks")]

LEFT_OUT = {
    "python/multiprocessing_spawn": "starts an interpreter for each request",
    "python/multiprocessing_forkserver": "likewise; test_helper_processes.py has one",
    "nodejs/child_processes": "starts Node for each request",
    "nodejs/fetch_local": "loads much for each request; http_keep_alive shows the same connections",
    "python/random_numbers": "test_uniqueness.py asks more",
    "python/tokens_and_uuids": "likewise",
    "nodejs/random_identifiers": "likewise",
    "python/sqlite_memory": "sqlite_file shows the library, and files",
    "python/shell_pipeline": "subprocess_run and named_pipe show children and pipes",
    "python/http_server_and_client": "socket_server shows the same connections",
    "python/shelf_of_objects": "temporary_files shows files",
    "python/module_state": "every test of a pool has some",
    **dict.fromkeys(
        (
            "python/asyncio_tasks",
            "python/compression",
            "python/password_hashes",
            "python/tar_archive",
            "python/text_formats",
            "python/thread_local_values",
            "python/zone_times",
            "nodejs/async_context",
            "nodejs/compression",
            "nodejs/password_hashes",
            "nodejs/timers_and_events",
            "nodejs/webassembly",
        ),
        "leaves nothing but memory",
    ),
}
QUICK = [
    replace(entry, payloads=entry.payloads[:1])  # one process fewer to compare with
    for entry in ENTRIES
    if entry.runs_anywhere and entry.name not in LEFT_OUT
]


@pytest.mark.parametrize("entry", QUICK, ids=lambda entry: entry.name)
async def test_right_answers_by_one_process(entry: Entry) -> None:
    result = await measure(entry, Environment().function(entry, rounds=1), requests=3)
    expected = REPLACED if entry.replaced else REVERTED
    assert result.status == expected, result.detail


COUNTER = """
calls = 0

def main(params):
    global calls
    calls += 1
    return {"calls": calls}
"""
HANDS_ON = """
import socket

def main(params):
    left, right = socket.socketpair()
    socket.send_fds(left, [b"x"], [0])
    return {}
"""
RAISES = """
def main(params):
    raise RuntimeError("always")
"""
DIFFERS = """
import os

def main(params):
    return {"pid": os.urandom(8).hex()}
"""
PLAIN = Entry("python/x.py", "what", warmup=())


async def test_a_function_that_leaks_answers_wrongly(source: Source) -> None:
    """What the gallery is to find: without isolation it does."""
    function = Function.from_file(source("handler.py", COUNTER))
    assert (await measure(PLAIN, function, requests=2)).status == REVERTED
    result = await measure(PLAIN, function, requests=2, isolation=Isolation.OFF)
    assert (result.status, result.detail) == (WRONG, "request 2: {'calls': 2} instead of {'calls': 1}")


async def test_a_function_that_costs_its_process_is_replaced(source: Source) -> None:
    result = await measure(PLAIN, Function.from_file(source("handler.py", HANDS_ON)), requests=2)
    assert (result.status, result.retirements) == (REPLACED, {"kernel-state": 2})
    assert "sendmsg" in result.detail


async def test_a_function_that_does_not_start_isolated_fails(source: Source) -> None:
    file = source("handler.py", "import subprocess\nchild = subprocess.Popen(['cat'], stdin=-1)\n" + DIFFERS)
    entry = Entry("python/x.py", "what", compared="uniquely")
    result = await measure(entry, Function.from_file(file), requests=2)
    assert result.status == FAILS
    assert "SnapshotRefusedError" in result.detail


async def test_a_function_that_does_not_work_at_all_is_broken(source: Source) -> None:
    result = await measure(PLAIN, Function.from_file(source("handler.py", RAISES)), requests=2)
    assert result.status == BROKEN
    assert "it raises without isolation" in result.detail


async def test_answers_that_always_differ_are_no_leak(source: Source) -> None:
    result = await measure(PLAIN, Function.from_file(source("handler.py", DIFFERS)), requests=2)
    assert result.status == BROKEN
    assert "two fresh processes answer differently" in result.detail
