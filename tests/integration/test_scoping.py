"""Signals and abstract sockets end at the jail, if the kernel can do that; if it cannot, doctor says so.

What a kernel, or a container's profile, refuses is played by a seccomp program that binds the supervisor.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from groundhog import Function, Pool, capabilities

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Source = Callable[[str, str], Path]

# ruff: noqa: ASYNC220 - a real process is the point
pytestmark = [pytest.mark.kernel, pytest.mark.usefixtures("no_leaks")]

REACHING = """
import errno, os, socket

def tried(make):
    try:
        make()
        return "reached"
    except OSError as error:
        return errno.errorcode[error.errno]

def connect(name):
    with socket.socket(socket.AF_UNIX) as client:
        client.connect("\\0" + name)

def main(params):
    return {
        "signal": tried(lambda: os.kill(params["pid"], params["signal"])),
        "name": tried(lambda: connect(params["name"])),
    }
"""


def kernel_has_scopes() -> bool:
    release = os.uname().release.split(".")
    return (int(release[0]), int(release[1])) >= (6, 12)


@pytest.mark.parametrize("jail", ["none", "namespace", "landlock"])
async def test_nobody_outside_is_reached(source: Source, jail: str) -> None:
    refused = "EPERM" if jail != "none" and kernel_has_scopes() else "reached"
    name = f"groundhog-scoping-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as server, subprocess.Popen(["/bin/sleep", "600"]) as other:
        server.bind("\0" + name)
        server.listen()
        async with Pool(Function.from_file(source("handler.py", REACHING)), jail=jail) as pool:
            value = (await pool.invoke({"pid": other.pid, "signal": signal.SIGWINCH, "name": name})).value
        assert value == {"signal": refused, "name": refused}
        other.kill()


BOUND = """
import asyncio, ctypes, json, struct, sys

call, errno, flags = map(int, sys.argv[1:4])
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, ERRNO = 0x7FFF0000, 0x00050000
program = [
    (LOAD, 0, 0, 0), (EQUAL, 0, 3, call),  # the number
    (LOAD, 0, 0, 32), (EQUAL, 0, 1, flags),  # its third argument
    (RETURN, 0, 0, ERRNO | errno), (RETURN, 0, 0, ALLOW),
]
words = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *word) for word in program))
described = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(program), ctypes.addressof(words)))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, described, 0, 0) == 0, ctypes.get_errno()

from groundhog import Function, GroundhogError, Pool, capabilities

async def served(jail):
    try:
        async with Pool(Function.from_file(sys.argv[4]), jail=jail) as pool:
            return (await pool.invoke({})).value
    except GroundhogError as error:
        return f"{type(error).__name__}: {error}"

async def main():
    return {jail: await served(jail) for jail in ("namespace", "landlock")}

found = capabilities()
findings = {finding["name"]: finding for finding in found["findings"]}
print(json.dumps({"findings": findings, "jails": found["jails"], **asyncio.run(main())}))
"""
CREATE_RULESET, RESTRICT_SELF = 444, 446
VERSION = 1
EPERM, EMFILE, ENOSYS, EOPNOTSUPP = 1, 24, 38, 95


def bound(source: Source, call: int, errno: int, flags: int) -> dict[str, Any]:
    """What such a supervisor finds out, and what becomes of a function in each jail."""
    handler = source("handler.py", "def main(params):\n    return {'served': True}\n")
    words = [sys.executable, "-c", BOUND, str(call), str(errno), str(flags), str(handler)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_whether_they_do_is_found_out() -> None:
    (scoping,) = [found for found in capabilities()["findings"] if found["name"] == "scoping"]
    assert scoping["works"] == kernel_has_scopes()
    assert not scoping["essential"]


@pytest.mark.parametrize("errno", [ENOSYS, EOPNOTSUPP])
def test_a_kernel_without_landlock(source: Source, errno: int) -> None:
    """The one case in which a jail does without; it is said."""
    told = bound(source, CREATE_RULESET, errno, VERSION)
    assert told["namespace"] == {"served": True}
    assert told["landlock"].startswith("UnsupportedError")
    scoping = told["findings"]["scoping"]
    assert not scoping["works"]
    assert "Linux 6.12" in scoping["remedy"]


@pytest.mark.parametrize(
    ("call", "errno", "flags"),
    [
        (CREATE_RULESET, EPERM, VERSION),  # a container's profile
        (CREATE_RULESET, EMFILE, 0),
        (CREATE_RULESET, ENOSYS, 0),  # and yet it tells its version
    ],
)
def test_any_other_refusal_leaves_no_jail(source: Source, call: int, errno: int, flags: int) -> None:
    told = bound(source, call, errno, flags)
    assert not told["findings"]["scoping"]["works"]
    # A jail by namespaces asks an older kernel for no ruleset, so that none is refused.
    asked = kernel_has_scopes() or flags == VERSION
    for jail in ("namespace", "landlock") if asked else ("landlock",):
        assert told["jails"][jail] is not None
        assert told[jail].startswith(f"UnsupportedError: the jail {jail} does not work on this machine")
