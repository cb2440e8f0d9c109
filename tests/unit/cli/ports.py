"""Ports of this machine, of which other tests take some at the same time."""

from __future__ import annotations

import contextlib
import random
import socket
from pathlib import Path

_FIRST = 10_000  # below are those of services


def accepts(port: int) -> bool:
    """Whether somebody accepts connections there."""
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return False
    except ConnectionResetError:
        return True  # by who closes the socket at this moment
    return True


def free_everywhere() -> int:
    """A port that nobody has at any address, and nobody gets who asks for any port."""
    range_of_any = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii")
    first_of_any = int(range_of_any.split()[0])
    for port in random.sample(range(_FIRST, first_of_any), k=100):
        with contextlib.suppress(OSError), contextlib.ExitStack() as taken:
            for family, address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):  # noqa: S104
                if family == socket.AF_INET6 and not socket.has_dualstack_ipv6():
                    continue
                sock = taken.enter_context(socket.socket(family))
                if family == socket.AF_INET6:
                    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                sock.bind((address, port))
            return port
    raise AssertionError("of a hundred ports none is free")
