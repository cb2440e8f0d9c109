"""What the kernel tells of sockets and addresses of this machine: see sock_diag(7) and rtnetlink(7)."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
import struct
import sys
from dataclasses import dataclass

# linux/netlink.h, linux/sock_diag.h, linux/inet_diag.h
_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY = 20
_NLM_F_REQUEST = 1
_NLM_F_DUMP = 0x300
_NLMSG_ERROR = 2
_NLMSG_DONE = 3
# linux/rtnetlink.h
_RTM_GETROUTE = 26
_RTN_LOCAL = 2
_RTA_DST = 1
_RTA_OIF = 4
_HEADER = struct.Struct("=IHHII")
_QUESTION = struct.Struct("=BBBxI2s2s16s16sIII")  # inet_diag_req_v2: what, states, and inet_diag_sockid
_ANSWER = struct.Struct("=BBBB48xIIIII")  # inet_diag_msg: family, state, ..., two queues, user, inode
_ROUTE = struct.Struct("=BBBBBBBBI")  # rtmsg: first the family and the bits of the address, then seven, flags
_ATTRIBUTE = struct.Struct("=HH")  # rtattr: length and kind
_ADDRESS = slice(8, 24)
"""Of an answer: where that socket is bound."""
_LOOPBACK = 1
"""The number of that device, in each network: LOOPBACK_IFINDEX in include/net/flow.h."""
_ALL_STATES = 0xFFFFFFFF
_NO_COOKIE = 0xFFFFFFFF
_LISTEN = 10
"""A state of a socket, as ``tcp_states.h`` has it: it has no connection, and takes some."""


@dataclass(frozen=True, slots=True)
class End:
    """A socket of this machine: its inode number, and the user who made it."""

    inode: int
    """0: no process has it, such as one that waits to be accepted, or has ended."""
    user: int
    unacknowledged: int = 0
    """Bytes that were written to it, and have not been taken by the kernel of the other end."""
    unread: int = 0
    """Bytes that came to it, and have not been read."""


def ask() -> socket.socket:
    """Who is asked of sockets; to be closed by who asks."""
    return _asking(_NETLINK_SOCK_DIAG)


def other_end(near: tuple[str, int], far: tuple[str, int], by: socket.socket | None = None) -> End | None:
    """Return the socket at the far end of a TCP connection; None where it is not in our network.

    That somebody listens there counts for nothing. A socket that is bound to a device (``SO_BINDTODEVICE``)
    is found where that is the one by which the connection comes: the loopback device, as between addresses
    of this machine, or that of the address, where that has one.

    Args:
        near: address and port of our end.
        far: those of the other one.
        by: what `ask` made, for who looks often.

    Raises:
        OSError: the kernel does not tell.
    """
    here, there = (ipaddress.ip_address(host.partition("%")[0]) for host, _ in (near, far))
    family = socket.AF_INET if here.version == 4 else socket.AF_INET6  # noqa: PLR2004
    named = far[0].partition("%")[2]
    device = socket.if_nametoindex(named) if named else _LOOPBACK
    question = _question(family, _ALL_STATES, (there.packed, far[1]), (here.packed, near[1]), device)
    try:
        answer = _asked(_NETLINK_SOCK_DIAG, _SOCK_DIAG_BY_FAMILY, question, by)
    except FileNotFoundError:
        return None
    _, state, *_, unread, unacknowledged, user, inode = _ANSWER.unpack_from(answer)
    return None if state == _LISTEN else End(inode, user, unacknowledged, unread)


def listeners(near: tuple[str, int], by: socket.socket) -> list[int]:
    """Return the inode numbers of all sockets that may be given a connection to an address.

    Args:
        near: address and port.
        by: what `ask` made.

    Raises:
        OSError: the kernel does not tell.
    """
    host = ipaddress.ip_address(near[0].partition("%")[0])
    if host.version == 4:  # noqa: PLR2004
        # One for both versions of the protocol only if bound to the very address: else others go before it.
        mapped = bytes(10) + b"\xff\xff" + host.packed
        wanted = {socket.AF_INET: {host.packed + bytes(12), bytes(16)}, socket.AF_INET6: {mapped}}
    else:
        wanted = {socket.AF_INET6: {host.packed, bytes(16)}}
    return [
        inode
        for family, addresses in wanted.items()
        for address, inode in _listening(family, near[1], by)
        if address in addresses
    ]


def _question(
    family: socket.AddressFamily,
    states: int,
    own: tuple[bytes, int],
    peer: tuple[bytes, int],
    device: int = 0,
) -> bytes:
    """For sockets of TCP in those states, by the addresses and ports of both of their ends, and by the
    device from which they get something, where they are bound to one.
    """
    ports = [port.to_bytes(2, "big") for _, port in (own, peer)]
    return _QUESTION.pack(
        family, socket.IPPROTO_TCP, 0, states, *ports, own[0], peer[0], device, _NO_COOKIE, _NO_COOKIE
    )


def _listening(family: socket.AddressFamily, port: int, by: socket.socket) -> list[tuple[bytes, int]]:
    """Addresses and inode numbers of what listens at a port."""
    question = _question(family, 1 << _LISTEN, (b"", port), (b"", 0))
    flags = _NLM_F_REQUEST | _NLM_F_DUMP
    by.send(_HEADER.pack(_HEADER.size + len(question), _SOCK_DIAG_BY_FAMILY, flags, 0, 0) + question)
    found: list[tuple[bytes, int]] = []
    while True:
        part = by.recv(65536)
        while part:
            length, kind, *_ = _HEADER.unpack_from(part)
            answer, part = part[_HEADER.size : length], part[(length + 3) & ~3 :]
            if kind == _NLMSG_DONE:
                return found
            if kind == _NLMSG_ERROR:
                raise _error_of(answer)
            *_, inode = _ANSWER.unpack_from(answer)
            found.append((answer[_ADDRESS], inode))


def is_here(host: str) -> bool:
    """Whether an address is one of this machine's own, in our network.

    Raises:
        OSError: the kernel does not tell.
    """
    text, _, device = host.partition("%")
    address = ipaddress.ip_address(text)
    address = getattr(address, "ipv4_mapped", None) or address
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6  # noqa: PLR2004
    attributes = [(_RTA_DST, address.packed)]
    if device:
        attributes.append((_RTA_OIF, socket.if_nametoindex(device).to_bytes(4, sys.byteorder)))
    question = _ROUTE.pack(family, address.max_prefixlen, 0, 0, 0, 0, 0, 0, 0) + b"".join(
        _ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), kind) + value for kind, value in attributes
    )
    _, _, _, _, _, _, _, kind, _ = _ROUTE.unpack_from(_asked(socket.NETLINK_ROUTE, _RTM_GETROUTE, question))
    return bool(kind == _RTN_LOCAL)


def _asking(protocol: int) -> socket.socket:
    made = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol)
    made.settimeout(1)  # the kernel answers at once
    return made


def _asked(protocol: int, what: int, question: bytes, by: socket.socket | None = None) -> bytes:
    """Return what the kernel answers.

    Raises:
        OSError: the kernel's error.
    """
    header = _HEADER.pack(_HEADER.size + len(question), what, _NLM_F_REQUEST, 0, 0)
    with contextlib.nullcontext(by) if by is not None else _asking(protocol) as asked:
        asked.send(header + question)
        answer = asked.recv(4096)
    _, kind, *_ = _HEADER.unpack_from(answer)
    answer = answer[_HEADER.size :]
    if kind == _NLMSG_ERROR:
        raise _error_of(answer)
    return answer


def _error_of(answer: bytes) -> OSError:
    code = -int.from_bytes(answer[:4], sys.byteorder, signed=True)
    return OSError(code, os.strerror(code))


def can_tell() -> bool:
    """Whether the kernel says which socket is at the other end of a connection."""
    try:
        with (
            socket.create_server(("127.0.0.1", 0)) as server,
            socket.create_connection(server.getsockname()) as client,
        ):
            end = other_end(server.getsockname(), client.getsockname())
            found = end is not None and end.inode == os.fstat(client.fileno()).st_ino
            return found and is_here(server.getsockname()[0])
    except OSError:
        return False
