"""What sockets are bound and connected to: the tables under ``/proc/PID/net``, see proc(5)."""

from __future__ import annotations

import contextlib
import ipaddress
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_LISTENS = "0A"
_INTERNET = ("tcp", "tcp6", "udp", "udp6")
_INODE, _UNIX_INODE, _UNIX_PATH = 9, 6, 7  # columns
_LISTENING_FLAG = 0x10000


def sockets(proc: Path) -> dict[str, str]:
    """Every socket of the process's network namespace that has a place: by inode, in words."""
    found = {}
    for protocol in _INTERNET:
        for fields in _lines(proc / "net" / protocol):
            if len(fields) > _INODE:
                found[fields[_INODE]] = _internet(protocol, *fields[1:4])
    for fields in _lines(proc / "net" / "unix"):
        if len(fields) > _UNIX_PATH:
            verb = "listening on" if int(fields[3], 16) & _LISTENING_FLAG else "of"
            found[fields[_UNIX_INODE]] = f"unix {verb} {fields[_UNIX_PATH]}"
    return found


def _lines(path: Path) -> list[list[str]]:
    with contextlib.suppress(OSError):
        return [line.split() for line in path.read_text(errors="replace").splitlines()[1:]]
    return []


def _internet(protocol: str, local: str, remote: str, state: str) -> str:
    if state == _LISTENS:
        return f"{protocol} listening on {address(local)}"
    there = address(remote)
    return f"{protocol} {address(local)}" + ("" if there.endswith(":0") else f" to {there}")


def address(text: str) -> str:
    """``0100007F:1F90`` is ``127.0.0.1:8080``: words as the machine keeps them."""
    host, _, port = text.partition(":")
    words = [int(host[at : at + 8], 16) for at in range(0, len(host), 8)]
    made = ipaddress.ip_address(struct.pack(f"={len(words)}I", *words))
    return f"{f'[{made}]' if made.version != 4 else made}:{int(port, 16)}"  # noqa: PLR2004 - IPv4
