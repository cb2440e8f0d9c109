"""Sockets from which a supervisor connects to a function: always from the same port, whence alone one may."""

from __future__ import annotations

import contextlib
import random
import select
import socket
from pathlib import Path

from groundhog.worker.engine import disconnect

_TRIES = 20
_GIVEN = Path("/proc/sys/net/ipv4/ip_local_port_range")
_QUIET = (15_000, 30_000)
"""Above what services are known by."""
# linux/tcp.h, asm-generic/socket.h
_TCP_REPAIR = 19
_TCP_REPAIR_QUEUE = 20
_TCP_QUEUE_SEQ = 21
_SEND_QUEUE = 2
_SO_BUF_LOCK = 72
_REPAIR_ON = 1
_REPAIR_OFF = -1
_MEASURED = 1024
"""Bytes: more than the kernel takes for small talk (TCP_MSS_DEFAULT)."""
_AT_ONCE_MS = 100
_RECEIVE_BUFFER = 64 << 10
_SEND_BUFFER = 8 << 10
"""Those of new sockets, which the kernel doubles."""


def family_of(host: str) -> socket.AddressFamily:
    """That of an address."""
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def quiet_port(host: str) -> int:
    """A port that nobody has just now, nor gets by chance: the kernel chooses none of these by itself.

    OSError where there is none.
    """
    if int(_GIVEN.read_text("ascii").split()[0]) >= _QUIET[1]:
        for _ in range(_TRIES):
            with socket.socket(family_of(host)) as sock, contextlib.suppress(OSError):
                sock.bind((host, random.randrange(*_QUIET)))  # noqa: S311 - it is no secret
                return int(sock.getsockname()[1])
    return free_port(host)


def free_port(host: str) -> int:
    """A port of an address that nobody has just now. OSError where there is none."""
    with socket.socket(family_of(host)) as sock:
        sock.bind((host, 0))
        return int(sock.getsockname()[1])


def bound(host: str) -> socket.socket:
    """A socket with a port that stays its own when a connection ends, which only one has that asked for it by
    number: connect(2). OSError where there is none.
    """
    for left in reversed(range(_TRIES)):
        sock = socket.socket(family_of(host))
        try:
            sock.bind((host, free_port(host)))
        except OSError:
            sock.close()
            if not left:
                raise
        else:
            return sock
    raise AssertionError


def of_same_port(caller: socket.socket) -> socket.socket:
    """A socket that has had no connection, bound where another one is, which keeps others from that.

    One that has had a connection tells the next one's other end of it, also after `disconnect`: by its first
    sequence number how much was sent, and by the window that it opens how much came.

    Raises:
        OSError: PermissionError without ``CAP_NET_ADMIN``.
    """
    sock = socket.socket(caller.family)
    try:
        sock.setsockopt(socket.IPPROTO_TCP, _TCP_REPAIR, _REPAIR_ON)  # binds in spite of the other one
        sock.bind(caller.getsockname())
        sock.setsockopt(socket.IPPROTO_TCP, _TCP_REPAIR, _REPAIR_OFF)
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        sock.close()
        raise
    return sock


def adopted(fd: int) -> socket.socket:
    """A socket that was made elsewhere."""
    sock = socket.socket(fileno=fd)
    sock.setblocking(False)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    renew(sock)
    return sock


def renew(sock: socket.socket) -> None:
    """Have a socket that has had a connection tell the next one nothing of it: see `of_same_port`.

    The kernel opens windows by how much memory the last large segment took for its bytes, and keeps that when
    a connection ends (``scaling_ratio``): so the last one is always the same, of the socket with itself.

    Raises:
        OSError: PermissionError without ``CAP_NET_ADMIN`` over its network, which its owner has.
    """
    _reset_buffers(sock)
    sock.connect_ex(sock.getsockname())
    _await(sock, select.POLLOUT)
    sock.send(bytes(_MEASURED))
    _await(sock, select.POLLIN)
    sock.recv(_MEASURED)
    disconnect(sock.fileno())
    for option, value in (
        (_TCP_REPAIR, _REPAIR_ON),
        (_TCP_REPAIR_QUEUE, _SEND_QUEUE),
        (_TCP_QUEUE_SEQ, 0),  # the kernel chooses anew
        (_TCP_REPAIR, _REPAIR_OFF),
    ):
        sock.setsockopt(socket.IPPROTO_TCP, option, value)
    _reset_buffers(sock)


def _await(sock: socket.socket, event: int) -> None:
    """The kernel does it at once. Who asks in vain after that gets a BlockingIOError."""
    waiting = select.poll()
    waiting.register(sock, event)
    waiting.poll(_AT_ONCE_MS)


def _reset_buffers(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
    sock.setsockopt(socket.SOL_SOCKET, _SO_BUF_LOCK, 0)  # they grow again
