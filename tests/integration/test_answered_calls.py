"""Calls that somebody outside answers in the kernel's stead, such as the manager of a container.

A tracer is not told of them, so that no function is served there. Who answers is played by a thread of the
supervisor, which has the kernel go on with every call that it is asked about.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Source = Callable[[str, str], Path]

pytestmark = [pytest.mark.kernel, pytest.mark.usefixtures("no_leaks")]

LEAVING = """
import os

def main(params):
    before = os.umask(0)
    os.umask(0o077 if before == 0 else 0)
    return {"before": before}
"""

ANSWERED = """
import asyncio, ctypes, fcntl, json, struct, sys, threading

UMASK, SECCOMP = 95, 317
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, ASK = 0x7FFF0000, 0x7FC00000
SET_MODE_FILTER, NEW_LISTENER = 1, 8
RECEIVE, SEND, GO_ON = 0xC0502100, 0xC0182101, 1
given, listener = threading.Event(), []

def answer():
    given.wait()
    while True:
        asked = bytearray(80)
        try:
            fcntl.ioctl(listener[0], RECEIVE, asked)
            fcntl.ioctl(listener[0], SEND, asked[:8] + struct.pack("qiI", 0, 0, GO_ON))
        except OSError:
            pass  # it has ended

threading.Thread(target=answer, daemon=True).start()
program = [(LOAD, 0, 0, 0), (EQUAL, 0, 1, UMASK), (RETURN, 0, 0, ASK), (RETURN, 0, 0, ALLOW)]
words = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *word) for word in program))
described = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(program), ctypes.addressof(words)))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0
listener.append(libc.syscall(SECCOMP, SET_MODE_FILTER, NEW_LISTENER, described))
assert listener[0] >= 0, ctypes.get_errno()
given.set()

from groundhog import Function, GroundhogError, Pool, capabilities

async def served():
    async with Pool(Function.from_file(sys.argv[1]), workers=1) as pool:
        return [(await pool.invoke({})).value["before"] for _ in range(2)]

try:
    told = asyncio.run(served())
except GroundhogError as error:
    told = f"{type(error).__name__}: {error}"
findings = {finding["name"]: finding for finding in capabilities()["findings"]}
print(json.dumps({"told": told, "finding": findings["call-watching"]}))
"""


def test_no_function_is_served_where_calls_are_answered(source: Source) -> None:
    words = [sys.executable, "-c", ANSWERED, str(source("handler.py", LEAVING))]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["finding"]["essential"]
    assert not found["finding"]["works"]
    assert found["told"].startswith(
        "UnsupportedError: no process can be isolated on this machine: call-watching"
    )
