"""Which connections of a process wait for an answer: asked before its snapshot."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from groundhog import Function, Limits, Pool
from groundhog._core import unanswered
from groundhog.errors import GroundhogError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ASKED = """
import socket, sys

asker = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
for line in sys.stdin:
    if line == "ask\\n":
        asker.sendall(b"?")
    else:
        asker.recv(1)
    print("done", flush=True)
"""
ANSWERS = """
import socket, sys

server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
answered, _ = server.accept()
for line in sys.stdin:
    answered.sendall(b"!")
    print("done", flush=True)
"""
TAKES_NOTHING = """
import signal, socket

signal.alarm(20)  # then the kernel waits for it no more
server = socket.create_server(("127.0.0.1", 0), backlog=64)
print(server.getsockname()[1], flush=True)
taken = []
while True:
    taken.append(server.accept()[0])
"""
LINGERS = """
import os, socket, struct, threading, time

NUMBERS = range(100, 900)
asker = socket.create_connection(("127.0.0.1", PORT))
closed = []

def close(after):
    lingering = socket.create_connection(asker.getpeername())
    lingering.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 30_000))
    lingering.setblocking(False)
    try:
        while True:
            lingering.send(bytes(65536))
    except BlockingIOError:
        pass
    for number in NUMBERS:
        os.dup2(lingering.fileno(), number)
    lingering.close()
    time.sleep(after)
    begun = time.monotonic()
    os.closerange(NUMBERS.start, NUMBERS.stop)
    if time.monotonic() - begun < 0.01:
        closed.append("by somebody else")

def try_to():
    for tried in range(20):
        closing = threading.Thread(target=close, args=(0.05 + tried * 0.0007,), daemon=True)
        closing.start()
        closing.join(0.1)
        if closed:
            return

threading.Thread(target=try_to, daemon=True).start()

def main(args):
    return {}
"""


class Program:
    """A process that does what it is told in one line, and says when it has."""

    def __init__(self, text: str, *arguments: str) -> None:
        argv = [sys.executable, "-c", text, *arguments]
        self.process = subprocess.Popen(
            argv, text=True, bufsize=1, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def says(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def do(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        assert self.says() == "done"

    def rests(self) -> bool:
        """It does so at the latest a few ticks of the kernel's clock after an answer."""
        return any(unanswered(self.process.pid) == 0 for _ in range(1_000_000))


@pytest.fixture
def programs() -> Iterator[list[Program]]:
    started: list[Program] = []
    yield started
    for program in started:
        program.process.kill()
        program.process.communicate()


def test_what_was_asked_and_not_answered_counts(programs: list[Program]) -> None:
    programs.append(server := Program(ANSWERS))
    programs.append(asker := Program(ASKED, server.says()))
    assert unanswered(asker.process.pid) in {0, 1}, "it may not have got that far"
    asker.do("ask")
    assert unanswered(asker.process.pid) == 1
    server.do("answer")
    asker.do("read")
    assert asker.rests()
    asker.do("ask")
    assert unanswered(asker.process.pid) == 1
    assert unanswered(server.process.pid) == 0, "the answer is its own"


def test_what_is_asked_of_this_process_does_not_count(programs: list[Program]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        programs.append(asker := Program(ASKED, str(server.getsockname()[1])))
        accepted, _ = server.accept()
        with accepted:
            asker.do("ask")
            assert unanswered(asker.process.pid) == 0


@pytest.mark.kernel
async def test_a_socket_that_lingers_keeps_nobody_waiting(programs: list[Program], tmp_path: Path) -> None:
    """Whoever looks at it while the function closes it closes it last."""
    programs.append(deaf := Program(TAKES_NOTHING))
    source = tmp_path / "lingers.py"
    source.write_text(LINGERS.replace("PORT", deaf.says()), encoding="ascii")
    longest = 0.0

    async def tick() -> None:
        nonlocal longest
        while True:
            begun = time.monotonic()
            await asyncio.sleep(0.01)
            longest = max(longest, time.monotonic() - begun)

    ticking = asyncio.create_task(tick())
    pool = Pool(Function.from_file(source), limits=Limits(start_timeout_s=10, restore_timeout_s=2))
    with contextlib.suppress(GroundhogError):  # its own threads wait, and do not end
        await pool.start()
    await pool.aclose()
    ticking.cancel()
    assert longest < 2


def test_a_process_that_is_gone(programs: list[Program]) -> None:
    programs.append(server := Program(ANSWERS))
    server.process.kill()
    server.process.wait()
    with pytest.raises(OSError, match="No such process"):
        unanswered(server.process.pid)
