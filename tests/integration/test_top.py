"""`groundhog top` beside a real server, and beside what is none."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from tests.framework.commands import groundhog, served
from tests.framework.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HANDLER = """
import os
def main(params):
    if params.get("ends"):
        os._exit(3)
    return {"n": sum(range(10_000))}
"""


def test_what_a_server_does_is_shown(source: Callable[[str, str], Path]) -> None:
    over = threading.Event()
    with served("serve", str(source("handler.py", HANDLER))) as server:

        def ask() -> None:
            while not over.is_set():
                assert server.client.post("/", json={}).json() == {"n": 49_995_000}

        assert server.client.post("/", json={"ends": True}).status_code == 502
        asking = threading.Thread(target=ask)
        asking.start()
        try:
            shown = groundhog("top", server.url, "--once", "--interval", "0.5")
        finally:
            over.set()
            asking.join()
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.startswith(f"handler at {server.url}: isolation request, strategy ")
    rows = {line.split("  ")[1].strip(): line.split() for line in shown.stdout.splitlines() if "  " in line}
    assert float(rows["in the function"][3]) > 0, shown.stdout
    assert float(rows["after the response"][3]) > 0, shown.stdout
    assert "copy, mean" in shown.stdout
    assert "exited" in shown.stdout, "the reason for which the one was replaced"


def test_where_nobody_listens() -> None:
    port = free_port()
    result = groundhog("top", f"http://127.0.0.1:{port}", "--once")
    assert result.returncode == 1
    assert f"http://127.0.0.1:{port}/_/metrics does not answer" in result.stderr


def test_an_address_that_is_none() -> None:
    result = groundhog("top", "file:///etc/passwd", "--once")
    assert result.returncode == 1
    assert "begins with http:// or https://" in result.stderr
