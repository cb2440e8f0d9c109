"""`groundhog top` beside a real server, and beside what is none."""

from __future__ import annotations

import http.server
import json
import threading
from typing import TYPE_CHECKING

import pytest

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


ANSWER = b"HTTP/1.0 200 OK\r\n\r\n"
INFO = ANSWER + json.dumps({"function": "f", "pool": {}}).encode()
RETIRED = ANSWER + b'# TYPE groundhog_retirements counter\ngroundhog_retirements_total{reason="%s"} 1\n'
BUCKET = ANSWER + b'# TYPE groundhog_x histogram\ngroundhog_x_bucket{le="wide"} 1\n'


def asked(metrics: bytes, info: bytes) -> tuple[int, str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.wfile.write(metrics if self.path.endswith("metrics") else info)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            shown = groundhog("top", f"http://127.0.0.1:{server.server_port}", "--once", "--interval", "0.1")
        finally:
            server.shutdown()
            serving.join()
    return shown.returncode, shown.stdout + shown.stderr


@pytest.mark.parametrize("name", [b"[/none]", b"[red]", b"\x1b]0;title\x07"])
def test_what_a_server_names_is_shown_as_it_is(name: bytes) -> None:
    code, said = asked(RETIRED % name, INFO)
    assert code == 0, said
    assert name.decode().replace("\x1b", "\\x1b").replace("\x07", "\\x07") in said


@pytest.mark.parametrize(
    ("metrics", "info"),
    [
        (b"SSH-2.0-OpenSSH_9.9\x1b[31m\r\n", b""),
        (ANSWER, ANSWER + b"[1]"),
        (ANSWER, ANSWER + b'{"pool": "none"}'),
        (ANSWER, ANSWER + b"[" * 200_000),
        (BUCKET, INFO),
    ],
    ids=["no HTTP", "a list", "no pool", "nested", "no bound"],
)
def test_what_is_no_server_of_ours(metrics: bytes, info: bytes) -> None:
    code, said = asked(metrics, info)
    assert code == 1
    assert said.startswith("groundhog: http://127.0.0.1:")
    assert said.count("\n") == 1, said
    assert "\x1b" not in said
