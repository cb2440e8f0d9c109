"""A real server under the engine: nginx serves complete files where its settings fit.

It does not fall back when `sendfile` is refused: it sends the headers, and ends the connection without the
rest. So in private folders that requests write it needs `sendfile off`, see docs/tuning.md.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from groundhog import Tracee
from tests.framework.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(120)]
BODY = os.urandom(3 << 20)
START_S = 20

SETTINGS = """
daemon off;
master_process off;
pid {private}/pid;
error_log stderr;
{user}
events {{ worker_connections 64; }}
http {{
    access_log off;
    sendfile {sendfile};
    client_max_body_size 16m;
    client_body_temp_path {private}/body;
    proxy_temp_path {private}/proxy;
    fastcgi_temp_path {private}/fastcgi;
    uwsgi_temp_path {private}/uwsgi;
    scgi_temp_path {private}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location /fixed/ {{ alias {fixed}/; }}
        location /private/ {{ alias {private}/; dav_methods PUT; }}
        location /hello {{ return 200 "hello"; }}
    }}
}}
"""


@dataclass(frozen=True)
class Nginx:
    tracee: Tracee
    port: int

    def ask(self, path: str, method: str = "GET", body: bytes | None = None) -> tuple[int, bytes]:
        """The status, and as much of the body as came."""
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)) as client:
            client.request(method, path, body, {"Connection": "close"})
            response = client.getresponse()
            try:
                return response.status, response.read()
            except http.client.IncompleteRead as cut:
                return response.status, cut.partial


@contextlib.contextmanager
def serving(folder: Path, sendfile: str) -> Iterator[Nginx]:
    """Run it as one process in a jail; it may write to the folder ``private``, in which a file is found."""
    fixed, private = folder / "fixed", folder / "private"
    for place in (fixed, private):
        place.mkdir()
        (place / "file").write_bytes(BODY)
    port = free_port()
    user = "user root;" if os.geteuid() == 0 else ""
    settings = folder / "nginx.conf"
    settings.write_text(
        SETTINGS.format(private=private, fixed=fixed, port=port, sendfile=sendfile, user=user)
    )
    nginx = shutil.which("nginx") or "/usr/sbin/nginx"
    log = (folder / "log").open("wb")
    with (
        log,
        Tracee.spawn(
            [nginx, "-e", "stderr", "-c", settings],
            fds={2: log.fileno()},
            jail="namespace",
            private=[private],
        ) as tracee,
    ):
        server = Nginx(tracee, port)
        deadline = time.monotonic() + START_S
        while True:
            try:
                assert server.ask("/hello") == (200, b"hello")
                break
            except ConnectionError:
                assert tracee.alive, (folder / "log").read_text()
                assert time.monotonic() < deadline, "it does not listen"
                time.sleep(0.01)  # nobody is told when it listens
        yield server


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.parametrize("sendfile", ["on", "off"])
def test_files_that_no_request_writes_are_complete(folder: Path, sendfile: str) -> None:
    with serving(folder, sendfile) as nginx:
        # While it loads, too.
        assert nginx.ask("/fixed/file") == (200, BODY)
        nginx.tracee.snapshot()
        for _ in range(3):
            for place in ("fixed", "private"):
                assert nginx.ask(f"/{place}/file") == (200, BODY)
                stops = nginx.tracee.restore(verify=True).stops
                assert stops.keys() == ({"sendfile"} if sendfile == "on" else set())


def test_a_usual_request_is_stopped_at_no_call(folder: Path) -> None:
    with serving(folder, "on") as nginx:
        nginx.tracee.snapshot()
        for _ in range(10):
            assert nginx.ask("/hello") == (200, b"hello")
            report = nginx.tracee.restore(verify=True)
            assert (report.stops, report.layout_calls) == ({}, 0)


def test_what_a_request_wrote_is_complete_without_sendfile(folder: Path) -> None:
    with serving(folder, "off") as nginx:
        nginx.tracee.snapshot()
        for _ in range(3):
            assert nginx.ask("/private/new", "PUT", BODY)[0] == 201
            assert nginx.ask("/private/new") == (200, BODY)
            assert nginx.tracee.restore(verify=True).files_reverted > 0
            assert nginx.ask("/private/new")[0] == 404
            nginx.tracee.restore(verify=True)


def test_with_sendfile_it_answers_an_empty_body(folder: Path) -> None:
    """So that nobody learns of it by surprise: when this fails, the advice in docs/tuning.md can go."""
    with serving(folder, "on") as nginx:
        nginx.tracee.snapshot()
        assert nginx.ask("/private/new", "PUT", BODY)[0] == 201
        assert nginx.ask("/private/new") == (200, b"")
        nginx.tracee.restore(verify=True)
