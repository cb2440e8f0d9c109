"""Who is at the other end of a TCP connection on this machine: see sock_diag(7).

A connection is two sockets, each found by its two addresses. Who connects to a port that somebody listens at
need not come to that: whoever has bound that port before (``SO_REUSEADDR``), and connects from it just then,
is at the other end; so is a socket of an earlier connection between the same addresses that has not ended.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from pathlib import Path
from typing import NamedTuple

ESTABLISHED, TIME_WAIT, CLOSED, LISTEN = 1, 6, 7, 10
_SOCK_DIAG_BY_FAMILY = 20
_NLMSG_ERROR = 2
_NETLINK_SOCK_DIAG = 4
_HEADER = struct.Struct("=IHHII")
_ADDRESSES = struct.Struct("!HH16s16s")
_REQUEST = struct.Struct("=BBBxI48s")
"""``inet_diag_req_v2``: family, protocol, what else to tell, states, and a socket's ``inet_diag_sockid``."""
_ANSWER = struct.Struct("=BBBB48sIIIII")
"""``inet_diag_msg``: family, state, ..., the user, and the inode."""
_ANY_COOKIE = struct.pack("=III", 0, 0xFFFFFFFF, 0xFFFFFFFF)


class End(NamedTuple):
    """A socket."""

    state: int
    inode: int
    """0: no process has it, such as one that waits to be accepted."""


def open_diag() -> socket.socket:
    """What `look` asks. OSError where there is none."""
    diag = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_SOCK_DIAG)
    diag.settimeout(1)  # the kernel answers at once
    return diag


def look(diag: socket.socket, own: tuple[str, int], peer: tuple[str, int]) -> End | None:
    """The socket from ``own`` to ``peer``, or who listens at ``own``; None where neither is. OSError where
    the kernel does not tell.
    """
    family = socket.AF_INET6 if ":" in own[0] else socket.AF_INET
    packed = [socket.inet_pton(family, host).ljust(16, b"\0") for host, _ in (own, peer)]
    where = _ADDRESSES.pack(own[1], peer[1], *packed) + _ANY_COOKIE
    body = _REQUEST.pack(family, socket.IPPROTO_TCP, 0, 0xFFFFFFFF, where)
    diag.send(_HEADER.pack(_HEADER.size + len(body), _SOCK_DIAG_BY_FAMILY, 1, 0, 0) + body)
    told = diag.recv(4096)
    _, kind, _, _, _ = _HEADER.unpack_from(told)
    if kind == _NLMSG_ERROR:
        (error,) = struct.unpack_from("=i", told, _HEADER.size)
        failed = OSError(-error, os.strerror(-error))
        if isinstance(failed, FileNotFoundError):
            return None
        raise failed
    _, state, _, _, _, _, _, _, _, inode = _ANSWER.unpack_from(told, _HEADER.size)
    return End(state, inode)


def has(pid: int, inode: int) -> bool:
    """Whether a process has the socket open."""
    target = f"socket:[{inode}]"
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            if os.readlink(entry) == target:  # noqa: PTH115 - a Path of it costs more than the look
                return True
    return False
