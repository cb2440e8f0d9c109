"""Nothing that a function does keeps its server from ending, nor the handle of a process from closing."""

from __future__ import annotations

import asyncio
import errno
import gc
import re
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from groundhog import Function, Pool, Tracee
from groundhog.audit.catalog import VICTIMS
from tests.framework.commands import NO_CERTIFICATES, full_pipe, served
from tests.framework.workshop import SharedWorkshop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from groundhog.audit.workshop import Workshop

pytestmark = pytest.mark.kernel

LIMIT_S = 45  # what a handle may take at most, on a loaded machine, to close
TRIES = 40
# What makes a tracer wait where it can: urgent data, pipes that have to be filled again, locks, storms.
OBSTINATE = (
    "c-pair_urgent",
    "c-pipe_reopened",
    "c-child_pipe",
    "c-pipe_slots",
    "c-child_locks",
    "c-fork_storm",
    "c-interrupted_poll",
    "c-listener_unix",
    "c-splits_flood",
    "c-datagrams_dropped",
)


@pytest.fixture(scope="module")
def workshop() -> Iterator[Workshop]:
    made = SharedWorkshop()
    yield made
    made.close()


@pytest.mark.parametrize("name", OBSTINATE)
def test_a_server_ends_whatever_its_function_did(name: str, workshop: Workshop) -> None:
    (victim,) = (found for found in VICTIMS if found.name == name)
    command = ["--jail", victim.jail or "none", "--", *workshop.command(victim)]
    with served("serve", "--workers", "1", *command) as server:
        for number in range(3):
            # Whatever it answers, if it does: the process may be replaced meanwhile.
            server.client.post("/", json={"secret": f"Q{number:07d}"})
        assert server.stop() == 0  # within its limit


def test_a_handle_closes_although_somebody_else_waited_for_the_process() -> None:
    """Whose wait takes the events that the tracer waits for, now and then."""
    for _ in range(TRIES):
        process = subprocess.Popen(
            [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE
        )
        tracee = Tracee.attach(process.pid)
        tracee.snapshot()
        process.kill()
        process.wait()
        begun = time.monotonic()
        del tracee
        gc.collect()
        assert time.monotonic() - begun < LIMIT_S
        assert process.stdin is not None
        process.stdin.close()


TALKATIVE = """
def main(args):
    print("word " * 20_000)
    return {"ok": True}
"""


def test_nobody_reads_that_it_is_ready(source: Callable[[str, str], Path]) -> None:
    """Its stdout takes nothing more, not even a line: it serves all the same, and ends."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    words = ["serve", "--port", str(port), str(source("talkative.py", TALKATIVE))]
    command = [sys.executable, "-m", "groundhog.cli", *words]
    with full_pipe() as full, subprocess.Popen(command, stdout=full, stderr=subprocess.PIPE) as server:
        try:
            assert server.stderr is not None
            assert any(b"cannot be told that the server is ready" in line for line in server.stderr)
            assert (
                httpx.post(
                    f"http://127.0.0.1:{port}/", json={}, timeout=LIMIT_S, verify=NO_CERTIFICATES
                ).status_code
                == 200
            )
            server.send_signal(signal.SIGTERM)
            assert server.wait(LIMIT_S) == 0
        finally:
            server.kill()


@pytest.mark.parametrize("platform", ["serve", "openwhisk"])
def test_nobody_reads_what_it_prints(platform: str, source: Callable[[str, str], Path]) -> None:
    """It answers all the same, and ends."""
    path = source("talkative.py", TALKATIVE)
    words = [platform, "--host", "127.0.0.1", "--port", "0", *([str(path)] if platform == "serve" else [])]
    with subprocess.Popen(
        [sys.executable, "-m", "groundhog.cli", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as server:
        assert server.stdout is not None
        try:
            found = re.search(rb"http://[\d.:]+", server.stdout.readline())
            assert found is not None

            def post(path: str, value: dict[str, Any]) -> int:
                return httpx.post(
                    found[0].decode() + path, json={"value": value}, timeout=LIMIT_S, verify=NO_CERTIFICATES
                ).status_code

            if platform == "openwhisk":
                assert post("/init", {"code": TALKATIVE}) == 200
            assert [post("/" if platform == "serve" else "/run", {}) for _ in range(4)] == [200] * 4
            server.send_signal(signal.SIGTERM)
            assert server.wait(LIMIT_S) == 0
        finally:
            server.kill()


HOLDS_PIPES = """
import os, socket, stat, struct

def held(link, into):
    waits, _other_end = socket.socketpair()
    for option in socket.SO_RCVTIMEO, socket.SO_SNDTIMEO:
        waits.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", 2, 0))
    pipe = os.open(link, (os.O_WRONLY if into else os.O_RDONLY) | os.O_NONBLOCK)
    ends = (waits.fileno(), pipe) if into else (pipe, waits.fileno())
    try:
        return os.splice(*ends, 4096)
    except OSError as error:
        return error.errno

def main(args):
    links = [f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd")]
    pipes = [link for link in links if os.path.exists(link) and stat.S_ISFIFO(os.stat(link).st_mode)]
    child = os.fork()
    if child == 0:
        found = {held(link, into) for link in pipes for into in (True, False)}
        os._exit(min(found - {22}, default=22))
    told = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    ours, others = os.pipe()
    waits, other_end = socket.socketpair()
    other_end.send(b"five!")
    child = os.fork()
    if child == 0:
        os._exit(os.splice(waits.fileno(), others, 4096))
    return {"pipes": len(pipes), "told": told, "own": os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}
"""


def test_nobody_holds_a_pipe_that_the_server_reads_or_writes(source: Callable[[str, str], Path]) -> None:
    """While the kernel moves something between it and a socket, whoever reads it cannot be interrupted.

    Pipes of a request's own are its own affair.
    """

    async def asked() -> Any:
        function = Function.from_file(str(source("holds.py", HOLDS_PIPES)), warmup=[])
        async with Pool(function, workers=1) as pool:
            return (await pool.invoke({})).value

    found = asyncio.run(asked())
    assert found["pipes"] >= 3, "its requests or answers, and two logs"
    assert (found["told"], found["own"]) == (errno.EINVAL, 5)


HOLDS_TWO_PIPES = """
import ctypes, os, socket, time

tee = ctypes.CDLL(None, use_errno=True).tee

def main(args):
    told = []
    for _ in range(12):
        ours, others = os.pipe()
        os.write(others, b"x")
        waits, _other_end = socket.socketpair()
        told.append(os.fork())
        if told[-1] == 0:
            os.splice(waits.fileno(), others, 4096)
            os._exit(0)
        time.sleep(0.02)
        child = os.fork()
        if child == 0:
            os._exit(ctypes.get_errno() if tee(ours, 1, 4096, 0) < 0 else 0)
        time.sleep(0.02)
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return {"told": os.waitstatus_to_exitcode(status)}
    return {"told": 0}
"""


def test_nobody_waits_for_a_pipe_with_another_in_his_hand(source: Callable[[str, str], Path]) -> None:
    """What copies from one pipe to another takes both: the server's, then one that somebody holds for ever.

    It takes the one first that lies first in the kernel's memory, so that it is tried more than once.
    """
    script = str(source("holds_two.py", HOLDS_TWO_PIPES))
    with served("serve", "--workers", "1", "--timeout", "5", script) as server:
        answer = httpx.post(server.url, json={}, timeout=20)
        assert answer.json() == {"told": errno.EINVAL}
