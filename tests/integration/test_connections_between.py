"""Functions of one supervisor that are connected with each other since before their snapshots."""

from __future__ import annotations

import os
import select
import socket
import sys
from typing import TYPE_CHECKING

import pytest

from groundhog import RestoreRefusedError, Tracee

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.kernel

PATIENCE = 20.0

LOOP = """
import os, socket, sys, time
kind, path, role = sys.argv[1:]
if role == "server":
    # The socket of each message is compared with all of them first.
    kept = [open("/dev/null") for _ in range(500)]
    listener = socket.socket(socket.AF_UNIX if kind == "unix" else socket.AF_INET)
    listener.bind(path if kind == "unix" else ("127.0.0.1", 0))
    listener.listen()
    name = path if kind == "unix" else listener.getsockname()[1]
    os.write(1, b"%s\\n" % str(name).encode())
    connection, _ = listener.accept()
    listener.close()
else:
    name = input()
    family = socket.AF_UNIX if kind == "unix" else socket.AF_INET
    connection = socket.socket(family, socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM)
    if kind == "udp":
        connection.bind(("127.0.0.1", int(path)))
    connection.connect(name if kind == "unix" else ("127.0.0.1", int(name)))
os.write(1, b"connected\\n")
for line in sys.stdin:
    try:
        if line.startswith("go on"):
            end = time.monotonic() + float(line.split()[-1])
            while time.monotonic() < end:
                connection.sendmsg([b""])
            told = "done"
        elif line.startswith("send"):
            connection.send(line.encode(), socket.MSG_NOSIGNAL)
            told = "sent"
        else:
            told = connection.recv(100, socket.MSG_DONTWAIT).decode() or "the end"
    except BlockingIOError:
        told = "nothing"
    except OSError as error:
        told = type(error).__name__
    os.write(1, told.strip().encode() + b"\\n")
"""


class Speaker:
    """A process that is told what to do by lines."""

    def __init__(self, *arguments: str) -> None:
        theirs, self._requests = os.pipe()
        self._answers, their_answers = os.pipe()
        argv = [sys.executable, "-I", "-c", LOOP, *arguments]
        self.tracee = Tracee.spawn(argv, fds={0: theirs, 1: their_answers, 2: 2}, trusted=True)
        os.close(theirs)
        os.close(their_answers)

    def tell(self, line: str) -> None:
        os.write(self._requests, f"{line}\n".encode())

    def hear(self) -> str:
        assert select.select([self._answers], [], [], PATIENCE)[0], "no answer"
        return os.read(self._answers, 1000).decode().strip()

    def ask(self, line: str) -> str:
        self.tell(line)
        return self.hear()

    def close(self) -> None:
        self.tracee.close()
        os.close(self._requests)
        os.close(self._answers)


@pytest.fixture(params=["tcp", "unix"])
def ends(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Speaker, Speaker]]:
    """Both ends of a connection."""
    path = str(tmp_path / "socket")
    server, client = Speaker(request.param, path, "server"), Speaker(request.param, path, "client")
    try:
        client.tell(server.hear())
        assert [client.hear(), server.hear()] == ["connected", "connected"]
        yield server, client
    finally:
        server.close()
        client.close()


# Several tries: before it was seen to, one in seven went wrong.
@pytest.mark.parametrize("sends", [False, *[True] * 5])
def test_a_late_answer_of_another_function_reaches_nobody(ends: tuple[Speaker, Speaker], sends: bool) -> None:
    server, client = ends
    # What the engine has of the server's end from now on makes it no end of the supervisor's.
    server.tracee.snapshot()
    if sends:  # Nor does what it has for a moment, to look at a message.
        server.tell("go on for 0.4")
    client.tracee.snapshot()
    if sends:
        assert server.hear() == "done"
    assert client.ask("send a secret") == "sent"
    assert client.tracee.restore().connections_shut == 1
    assert server.ask("receive") == "send a secret"
    server.ask("send late")
    assert client.ask("receive") == "the end"


def test_a_datagram_socket_is_no_end_of_a_connection_with_the_same_addresses() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()),
        listener.accept()[0] as ours,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as service,
    ):
        service.bind(ours.getsockname())
        sender = Speaker("udp", str(ours.getpeername()[1]), "client")
        try:
            sender.tell(str(ours.getsockname()[1]))
            assert sender.hear() == "connected"
            sender.tracee.snapshot()
            assert sender.ask("send a secret") == "sent"
            assert service.recv(100)
            with pytest.raises(RestoreRefusedError, match="an answer may come late"):
                sender.tracee.restore()
        finally:
            sender.close()
