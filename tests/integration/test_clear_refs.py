"""In a jail no function makes the kernel forget which pages it wrote, as the strategy soft-dirty needs it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from groundhog import Function, Pool, Tracee, UnsupportedError, capabilities

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Source = Callable[[str, str], Path]

pytestmark = [pytest.mark.kernel, pytest.mark.usefixtures("no_leaks")]

HANDLER = """
import errno, os, threading

def tried(path):
    try:
        os.close(os.open(path, os.O_WRONLY))
        return "opened"
    except OSError as error:
        return errno.errorcode[error.errno]

def named(path):
    fd = os.open(path, os.O_PATH)
    try:
        return tried(f"/proc/self/fd/{fd}")
    finally:
        os.close(fd)

def in_child(pid):
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, repr([tried("/proc/self/clear_refs"), tried(f"/proc/{pid}/clear_refs")]).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as answer:
        found = eval(answer.read())
    os.waitpid(child, 0)
    return found

def main(params):
    pid = os.getpid()
    found = {
        "self": tried("/proc/self/clear_refs"),
        "number": tried(f"/proc/{pid}/clear_refs"),
        "reopened": named("/proc/self/clear_refs"),
    }
    def thread():
        found["thread"] = tried("/proc/self/clear_refs")
        found["task"] = tried(f"/proc/{pid}/task/{threading.get_native_id()}/clear_refs")
    one = threading.Thread(target=thread)
    one.start()
    one.join()
    found["child"], found["parent"] = in_child(pid)
    return found
"""
WAYS = {"self", "number", "reopened", "thread", "task", "child", "parent"}


@pytest.mark.parametrize(
    ("jail", "said"), [("none", "opened"), ("namespace", "EROFS"), ("landlock", "EACCES")]
)
async def test_it_is_out_of_reach_in_a_jail(source: Source, jail: str, said: str) -> None:
    """Of the process, of its children and their parent, and of threads."""
    async with Pool(Function.from_file(source("handler.py", HANDLER)), jail=jail) as pool:
        for _ in range(2):
            assert (await pool.invoke({})).value == dict.fromkeys(WAYS, said)


CAN_BE_UNDONE = (
    r"^strategy soft-dirty is none for a function without a jail, which can undo it by writing to its"
    r" /proc/PID/clear_refs: give it a jail, or choose another strategy$"
)
NOT_HERE = r"^strategy soft-dirty does not work on this machine"


async def test_without_one_it_is_refused_by_all_who_start_functions(source: Source) -> None:
    """Where the kernel has no such bits, for that reason: the decision itself is tested in Rust."""
    refused = CAN_BE_UNDONE if capabilities()["strategies"]["soft-dirty"] is None else NOT_HERE
    pool = Pool(Function.from_file(source("handler.py", HANDLER)), jail="none", strategy="soft-dirty")
    with pytest.raises(UnsupportedError, match=refused):
        await pool.start()
    with pytest.raises(UnsupportedError, match=refused):
        Tracee.spawn(["true"], strategy="soft-dirty")
    with pytest.raises(UnsupportedError, match=refused):
        Tracee.attach(os.getpid(), strategy="soft-dirty")
