"""What servers of tests have in common: a port of the loopback interface, and a user who is not root."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

HOST = "127.0.0.1"
NOBODY = 65534


def free_port() -> int:
    """One that nobody listens on just now."""
    with socket.create_server((HOST, 0)) as taken:
        return int(taken.getsockname()[1])


def not_as_root(folder: Path) -> list[str]:
    """What stands before a command that root is not to run; the folder becomes that of its user."""
    if os.getuid() != 0:
        return []
    os.chown(folder, NOBODY, NOBODY)
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
