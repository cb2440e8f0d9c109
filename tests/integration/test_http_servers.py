"""``groundhog serve --protocol http`` in front of servers as people write them."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import http.client
import itertools
import json
import os
import re
import socket
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from groundhog import Function, Pool
from groundhog.audit import dropped
from groundhog.errors import InvalidRequestError
from tests.framework import programs
from tests.framework.commands import groundhog, served
from tests.framework.servers import NOBODY, free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.framework.commands import Served

    Source = Callable[[str, str], Path]

pytestmark = pytest.mark.kernel

STANDARD = """
import http.server, json, os, sys, time

seen = []

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        seen.append(self.headers.get("X-Name"))
        path = self.path.partition("?")[0]
        if path == "/exit":
            os._exit(3)
        if path == "/hang":
            time.sleep(1000)
        if path == "/break":
            self.send_response(200)
            self.send_header("Content-Length", "10")
            self.end_headers()
            self.wfile.write(b"half")
            self.wfile.flush()
            os._exit(3)
        if path == "/status":
            self.answer(b"", 600)
            return
        if path == "/nonsense":
            self.wfile.write(b"this is no HTTP" + 2 * bytes([13, 10]))
            return
        if path == "/large":
            self.answer(b"x" * (1 << 22))
            return
        if path == "/stream":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"5" + bytes([13, 10]) + b"first" + bytes([13, 10]))
            self.wfile.flush()
            open(self.headers["X-Wait"]).read()
            self.wfile.write(b"4" + bytes([13, 10]) + b"last" + bytes([13, 10]) + b"0" + 2 * bytes([13, 10]))
            return
        if path == "/fail":
            print("it fails", file=sys.stderr, flush=True)
            self.answer(b"bad", 500)
            return
        if path == "/unfit":
            self.send_response(200)
            self.send_header("X-Own", "a" + chr(27) + "b")
            self.end_headers()
            return
        if path == "/unchanged":
            self.send_response(304)
            self.send_header("Content-Length", "5")
            self.end_headers()
            return
        if path == "/parts":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"5" + bytes([13, 10]) + b"first" + bytes([13, 10]))
            self.wfile.flush()
            if "X-Die" in self.headers:
                os._exit(3)
            self.wfile.write(b"0" + 2 * bytes([13, 10]))
            return
        if path == "/nothing":
            self.send_response(204)
            self.send_header("Connection", "close")
            self.send_header("Content-Length", "5")
            self.end_headers()
            return
        told = {
            "seen": seen,
            "pid": os.getpid(),
            "method": self.command,
            "path": self.path,
            "headers": self.headers.items(),
            "body": body.decode("latin-1"),
        }
        self.answer(json.dumps(told).encode())

    do_POST = do_PUT = do_HEAD = do_PURGE = do_GET

    def answer(self, body, status=200):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Set-Cookie", "a=1")
        self.send_header("Set-Cookie", "b=2")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *args):
        pass

class Server(http.server.HTTPServer):
    address_family = int(os.environ.get("FAMILY", "2"))

Server((os.environ.get("HOST", "127.0.0.1"), int(os.environ["PORT"])), Handler).serve_forever()
"""
ASGI = """
n = 0

async def app(scope, receive, send):
    global n
    n += 1
    headers = [(b"content-type", b"text/plain")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"%d" % n})
"""
WSGI = """
n = 0

def app(environ, start_response):
    global n
    n += 1
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"%d" % n]
"""
NODE = """
let n = 0;
require("http").createServer((request, response) => response.end(String(++n))).listen(process.env.PORT);
"""


@pytest.fixture
def standard(source: Source) -> tuple[str, ...]:
    return sys.executable, str(source("standard.py", STANDARD))


@contextlib.contextmanager
def run(program: tuple[str, ...], *options: str, env: dict[str, str] | None = None) -> Iterator[Served]:
    # Who asks is a process that has run functions, too.
    options = ("--trust-local-callers", *options)
    if os.geteuid() != 0 and "--network" not in options:  # it may not guard a port of the machine's
        options = ("--network", "none", *options)
    with served("serve", "--protocol", "http", *options, "--", *program, env=env) as server:
        yield server


def retirements(server: Served) -> Any:
    """Why processes were replaced, but for those that made way for one that is not watched."""
    told = server.client.get("/_/info").json()
    assert "pool" in told, told
    return {reason: count for reason, count in told["pool"]["retirements"].items() if reason != "superseded"}


def address_of(server: Served) -> tuple[str, int]:
    """Where callers connect to."""
    return server.client.base_url.host, server.client.base_url.port or 80


def port_of(pid: int) -> int:
    """Where a process listens."""
    (port,) = ports_of(pid)
    return port


def ports_of(pid: int) -> set[int]:
    """All of them."""
    opened = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # it closes the connection of the last request
            opened.add(str(entry.readlink()))
    rows = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/{pid}/net/{table}").read_text("ascii").splitlines()[1:]
    ]
    found = [row[1] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in opened]
    return {int(address.rpartition(":")[2], 16) for address in found}


@contextlib.contextmanager
def hammered(port: int) -> Iterator[list[int]]:
    """A stranger tries to connect, again and again: how often that worked, and how often it was tried."""
    done = threading.Event()
    told = [0, 0]

    def hammer() -> None:
        while not done.is_set():
            with socket.socket() as stranger:
                stranger.settimeout(0.002)
                told[1] += 1
                with contextlib.suppress(OSError):
                    stranger.connect(("127.0.0.1", port))
                    told[0] += 1

    thread = threading.Thread(target=hammer)
    thread.start()
    try:
        yield told
    finally:
        done.set()
        thread.join()


def command(name: str, source: Source) -> tuple[str, ...]:
    """A server that counts its requests, by name."""
    if name == "standard":
        return sys.executable, str(source("standard.py", STANDARD))
    if name == "uvicorn":
        folder = str(source("counts.py", ASGI).parent)
        return sys.executable, "-m", "uvicorn", "--app-dir", folder, "counts:app", "--port", "$PORT"
    if name == "gunicorn":
        folder = str(source("counts.py", WSGI).parent)
        options = ("--chdir", folder, "--bind", "127.0.0.1:$PORT", "--workers", "2")
        return sys.executable, "-m", "gunicorn", *options, "counts:app"
    if name == "node":
        return "node", str(source("counts.js", NODE))
    assert name == "go"
    return programs.go("http")


@pytest.mark.parametrize("name", ["standard", "uvicorn", "gunicorn", "node", "go"])
def test_each_answer_is_a_first_one_whoever_hammers_the_port(name: str, source: Source) -> None:
    check(command(name, source), 100)


FRAMEWORKS = (
    "python/fastapi",
    "python/flask",
    "python/waitress",
    "python/aiohttp",
    "python/gunicorn",
    "python/functions-framework",
    "nodejs/express",
    "nodejs/fastify",
    "nodejs/functions-framework",
    "java",
    "php",
)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", FRAMEWORKS)
def test_so_it_is_by_the_frameworks_that_people_use(name: str) -> None:
    check(programs.http_server(name), 500)


def check(program: tuple[str, ...], requests: int) -> None:
    """Every restore is verified, and a stranger hammers the port."""
    with run(program, "--verify") as server:
        server.client.get("/")  # which may set cookies
        first = server.client.get("/")
        assert first.status_code == 200, server.log
        (pid,) = server.function_pids()[-1:]
        with hammered(port_of(pid)) as told:
            for _ in range(requests):
                answer = server.client.get("/")
                assert (answer.status_code, answer.content) == (200, first.content), server.log
        assert told[0] == 0
        assert told[1] > 10
        assert retirements(server) == {}, server.log
        assert server.stop() == 0


def test_without_isolation_the_same_server_leaks(standard: tuple[str, ...]) -> None:
    with run(standard, "--isolation", "off") as server:
        for names in ["Ada"], ["Ada", "Bob"]:
            assert server.client.get("/", headers={"X-Name": names[-1]}).json()["seen"] == names
        assert server.stop() == 0


def test_domains_share_nothing(standard: tuple[str, ...]) -> None:
    options = ("--isolation", "domain", "--domain-header", "X-Tenant")
    with run(standard, *options) as server:
        for number in range(10):
            for tenant in "a", "b":
                headers = {"X-Tenant": tenant, "X-Name": f"{tenant}{number}"}
                seen = server.client.get("/", headers=headers).json()["seen"]
                assert seen[-1] == f"{tenant}{number}"
                assert {name[0] for name in seen} == {tenant}
            assert server.client.get("/", headers={"X-Name": "none"}).json()["seen"] == ["none"]
        assert server.stop() == 0


def test_a_function_is_told_of_the_domain_that_counts(standard: tuple[str, ...]) -> None:
    options = ("--isolation", "domain", "--domain-header", "X-Tenant")
    with run(standard, *options) as server:
        headers = {"X-Tenant": "a", "Connection": "close, X-Tenant"}
        told = server.client.get("/", headers=headers).json()["headers"]
        assert ["x-tenant", "a"] in [[name.lower(), text] for name, text in told]
        for other in "X_Tenant", "x_tenant", "X.Tenant", "x~tenant":
            for headers in {"X-Tenant": "a", other: "b"}, {other: "b"}:
                refused = server.client.get("/", headers=headers)
                assert refused.status_code == 400
                assert other.lower() in refused.json()["error"]
        assert server.stop() == 0


def test_requests_and_answers_pass_as_they_are(standard: tuple[str, ...]) -> None:
    with run(standard) as server:
        headers = {"X-Own": "1", "TE": "trailers", "Connection": "close", "ce-id": "7", "Host": "example.org"}
        told = server.client.request("PURGE", "/a%20b/%C3%BC?x=1&y=%26", headers=headers, content=b"\x00\xff")
        assert told.status_code == 200
        assert told.headers.get_list("set-cookie") == ["a=1", "b=2"]
        assert told.headers.get_list("date")[1:] == []
        assert "connection" not in told.headers or told.headers["connection"] == "close"
        value = told.json()
        assert (value["method"], value["path"]) == ("PURGE", "/a%20b/%C3%BC?x=1&y=%26")
        assert value["body"] == "\x00\xff"
        got = {name.lower(): text for name, text in value["headers"]}
        assert got["x-own"] == "1"
        assert got["ce-id"] == "7"
        assert got["host"] == "example.org"
        assert got["x-forwarded-for"] == "127.0.0.1"
        assert got["x-forwarded-host"] == "example.org"
        assert got["x-forwarded-proto"] == "http"
        assert "te" not in got
        assert server.client.head("/").headers["content-length"] != "0"
        nothing = server.client.get("/nothing")
        assert (nothing.status_code, nothing.headers.get("content-length")) == (204, None)
        assert len(server.client.get("/large").content) == 1 << 22
        assert server.client.post("/", content=iter([b"in ", b"parts"])).json()["body"] == "in parts"
        assert server.client.post("/", content=b"x" * (1 << 21)).json()["body"] == "x" * (1 << 21)
        failed = server.client.get("/fail")
        assert (failed.status_code, failed.text) == (500, "bad")
        assert server.client.get("/").status_code == 200
        assert "it fails" in server.log
        assert retirements(server) == {}, server.log
        metrics = server.client.get("/_/metrics").text
        assert re.search(r'groundhog_requests_total{outcome="error"} 1.0', metrics)
        assert server.stop() == 0


def test_an_answer_that_has_not_changed_keeps_its_connection(standard: tuple[str, ...]) -> None:
    """Its length is that of what is not sent: uvicorn waits for it, and ends the connection instead."""
    with run(standard) as server:
        with contextlib.closing(http.client.HTTPConnection(*address_of(server))) as connection:
            connection.connect()
            sock = connection.sock
            for _ in range(2):
                connection.request("GET", "/unchanged")
                answer = connection.getresponse()
                assert (answer.status, answer.read()) == (304, b"")
            assert connection.sock is sock
        assert "Traceback" not in server.log
        assert server.stop() == 0


def test_an_answer_with_a_header_that_cannot_be_sent_is_an_error(standard: tuple[str, ...]) -> None:
    """Uvicorn would end the connection without a word."""
    with run(standard) as server:
        answer = server.client.get("/unfit")
        assert answer.status_code == 502
        assert "x-own" in answer.json()["error"]
        assert "Traceback" not in server.log
        assert server.client.get("/").status_code == 200
        assert server.stop() == 0


def test_a_caller_that_knows_no_chunks_gets_none(standard: tuple[str, ...]) -> None:
    """It would take what is between them for a part of the answer."""

    def asked(server: Served, *headers: str) -> tuple[bytes, bytes]:
        with socket.create_connection(address_of(server)) as caller:
            caller.sendall("\r\n".join(("GET /parts HTTP/1.0", *headers, "", "")).encode())
            with caller.makefile("rb") as answer:
                head, _, body = answer.read().partition(b"\r\n\r\n")
        return head, body

    with run(standard) as server:
        head, body = asked(server)
        assert b"transfer-encoding" not in head
        assert b"content-length: 5" in head
        assert body == b"first"
        head, body = asked(server, "X-Die: now")
        assert b" 502 " in head
        assert server.stop() == 0


def test_an_answer_is_passed_on_as_it_comes(standard: tuple[str, ...], tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with run(standard, "--jail", "none") as server:
        with server.client.stream("GET", "/stream", headers={"X-Wait": str(fifo)}) as answer:
            parts = answer.iter_raw()
            assert next(parts) == b"first"  # it waits for the other end of the pipe
            fifo.write_text("go on", encoding="ascii")
            assert b"".join(parts) == b"last"
        assert server.stop() == 0


def test_what_goes_wrong_is_told(standard: tuple[str, ...]) -> None:
    with run(standard, "--timeout", "2") as server:
        pid = server.client.get("/").json()["pid"]
        dead = server.client.get("/exit")
        assert dead.status_code == 502
        assert "command exited" in dead.json()["error"]
        nonsense = server.client.get("/nonsense")
        assert nonsense.status_code == 502
        assert "does not answer by HTTP" in nonsense.json()["error"]
        other = server.client.get("/status")
        assert (other.status_code, "status of 600" in other.json()["error"]) == (502, True)
        slow = server.client.get("/hang", headers={"X-Timeout": "0.2"})
        assert slow.status_code == 504
        with pytest.raises(httpx.RemoteProtocolError):
            server.client.get("/break")
        upgrade = {"Connection": "Upgrade", "Upgrade": "websocket"}
        refused = server.client.get("/", headers=upgrade)
        assert refused.status_code == 501
        assert "WebSocket is not served" in refused.json()["error"]
        assert server.client.get("/_/nothing").status_code == 404
        answer = server.client.get("/").json()
        assert answer["seen"] == [None]
        assert answer["pid"] != pid
        assert set(retirements(server)) == {"exited", "protocol", "timeout"}
        assert server.stop() == 0


@pytest.mark.parametrize(
    "head",
    [
        "GET / HTTP/1.0",
        "GET / HTTP/1.1|Host: example.org|Connection: close, host",
        "GET / HTTP/1.1|Host: example.org|Connection: close, x-forwarded-for, x-forwarded-host",
    ],
)
def test_no_caller_takes_away_what_a_request_needs(standard: tuple[str, ...], head: str) -> None:
    with run(standard, "--timeout", "20") as server:
        with socket.create_connection(("127.0.0.1", server.client.base_url.port or 0)) as caller:
            caller.settimeout(5)
            caller.sendall(head.replace("|", "\r\n").encode() + b"\r\n\r\n")
            told = b""
            while data := caller.recv(65536):
                told += data
        assert told.startswith(b"HTTP/1.1 200 "), told
        got = {name.lower() for name, _ in json.loads(told.partition(b"\r\n\r\n")[2])["headers"]}
        assert {"host", "x-forwarded-for"} <= got
        assert ("x-forwarded-host" in got) == ("Host:" in head)
        assert server.client.get("/", timeout=5).status_code == 200
        assert retirements(server) == {}, server.log
        assert server.stop() == 0


DEAF = """
import os, socket
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", int(os.environ["PORT"])))
listener.listen()
while True:
    connection, _ = listener.accept()
    if b"/deaf" in connection.recv(65536):
        connection.setsockopt(socket.IPPROTO_IP, 21, 255)  # IP_MINTTL: it takes nothing any more, nor its end
    connection.send(b"HTTP/1.1 200 OK" + 2 * bytes([13, 10]))
    connection.close()
"""


def test_a_connection_that_does_not_end_is_in_nobodys_way(source: Source) -> None:
    with run((sys.executable, str(source("deaf.py", DEAF)))) as server:
        assert server.client.get("/").status_code == 200
        with contextlib.suppress(httpx.ReadTimeout):
            server.client.get("/deaf", timeout=1)
        assert server.client.get("/", timeout=5).status_code == 200
        assert set(retirements(server)) <= {"protocol"}, server.log
        assert server.stop() == 0


BREAKS_OFF = """
import os, socket, struct, sys, time

listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
end = bytes([13, 10])
while True:
    connection, _ = listener.accept()
    asked = connection.recv(65536)
    connection.sendall(b"HTTP/1.0 200 OK" + 2 * end + b"half")
    if b"/whole" in asked:
        connection.sendall(b", and half")
    if b"/dies" in asked:
        os.kill(os.getpid(), 9)
    if b"/reset" in asked:
        time.sleep(0.1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
"""


@pytest.mark.parametrize("path", ["/dies", "/reset"])
def test_half_an_answer_is_not_taken_for_a_whole_one(source: Source, path: str) -> None:
    """One that has no length is whole when the server ends the connection, but not when the server dies."""
    with run((sys.executable, str(source("breaks_off.py", BREAKS_OFF)), "$PORT")) as server:
        assert server.client.get("/whole").text == "half, and half"
        with pytest.raises(httpx.RemoteProtocolError):
            server.client.get(path)
        assert server.client.get("/whole").text == "half, and half"
        assert server.stop() == 0


TELLS_WHENCE = """
import http.server, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"%d" % self.client_address[1])

http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


@pytest.mark.parametrize("device", [None, b"lo"])
def test_no_request_is_sent_to_who_has_bound_the_port_before(source: Source, device: bytes | None) -> None:
    ip_minttl = 21
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with socket.socket() as stranger:
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        stranger.bind(("127.0.0.1", port))
        if device is not None:
            stranger.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device)
        stranger.setblocking(False)
        with run((sys.executable, str(source("whence.py", TELLS_WHENCE)), str(port))) as server:
            whence = int(server.client.get("/").text)
            stranger.setsockopt(socket.IPPROTO_IP, ip_minttl, 255)  # hears of no refusal
            time.sleep(0.5)  # the connection of the last request ends
            assert stranger.connect_ex(("127.0.0.1", whence)) == errno.EINPROGRESS
            stranger.setsockopt(socket.IPPROTO_IP, ip_minttl, 0)
            refused = server.client.get("/", timeout=5)
            assert refused.status_code == 503, refused.text
            assert "somebody else" in refused.json()["error"]
            stranger.setblocking(True)
            with contextlib.suppress(ConnectionResetError):
                assert stranger.recv(1) == b""
            assert set(retirements(server)) == {"request-unsent"}
            assert server.stop() == 0


TELLS_ITS_CONNECTION = """
import json, os, socket, struct, time

TCP_SAVE_SYN, TCP_SAVED_SYN = 27, 28
end = 2 * bytes([13, 10])
listener = socket.socket()
if "SHARES" in os.environ:
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
listener.setsockopt(socket.IPPROTO_TCP, TCP_SAVE_SYN, 1)
listener.bind(("127.0.0.1", int(os.environ["PORT"])))
listener.listen()
while True:
    connection, _ = listener.accept()
    request = connection.recv(65536)
    headers = connection.getsockopt(socket.IPPROTO_TCP, TCP_SAVED_SYN, 200)
    header = headers[4 * (headers[0] & 15):]
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 232)
    told = {"window": struct.unpack_from("I", info, 228), "of_syn": struct.unpack_from(">H", header, 14)}
    told = json.dumps({**told, "sequence": struct.unpack_from(">I", header, 4)[0]}).encode()
    connection.sendall(b"HTTP/1.1 200 OK" + end)
    if b"/parts" in request:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(40):
            connection.sendall(bytes(600))
            time.sleep(0.001)
    else:
        connection.sendall(bytes(6 << 20) if b"/large" in request else told)
    connection.close()
"""


@pytest.mark.parametrize("network", ["host", "none"])
def test_a_connection_does_not_tell_of_the_one_before(source: Source, network: str) -> None:
    program = (sys.executable, str(source("tells.py", TELLS_ITS_CONNECTION)))
    with run(program, "--network", network) as server:
        told = [server.client.get("/").json() for _ in range(6)]
        for path, size in (("/large", 6 << 20), ("/parts", 40 * 600)):
            assert len(server.client.get(path).content) == size
            told += [server.client.get("/").json() for _ in range(6)]
        sequence = [answer.pop("sequence") for answer in told]
        assert told == 18 * told[:1]
        apart = {(after - before) % (1 << 32) for before, after in itertools.pairwise(sequence)}
        assert len(apart) > 5, apart  # by how much was sent, it would be the same each time
        assert retirements(server) == {}, server.log
        assert server.stop() == 0


def test_no_request_is_sent_to_who_shares_the_port(source: Source) -> None:
    program = (sys.executable, str(source("tells.py", TELLS_ITS_CONNECTION)))
    # The kernel chooses the server itself one time in 51, and goes on with that.
    assert any(is_refused_beside_strangers(program) for _ in range(4))


def is_refused_beside_strangers(program: tuple[str, ...]) -> bool:
    """Whether a request is refused while strangers share the port; they have got nothing."""
    with run(program, env={"SHARES": "1"}) as server, contextlib.ExitStack() as strangers:
        assert server.client.get("/").status_code == 200
        (pid,) = server.function_pids()
        port = port_of(pid)
        listening = [strangers.enter_context(socket.socket()) for _ in range(50)]
        for stranger in listening:
            stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            stranger.bind(("127.0.0.1", port))
            stranger.listen()
            stranger.setblocking(False)
        refused = server.client.get("/", timeout=5)
        if refused.status_code == 200:
            return False
        assert refused.status_code == 503, refused.text
        assert "somebody else" in refused.json()["error"]
        for stranger in listening:
            with contextlib.suppress(BlockingIOError, ConnectionResetError):
                taken = strangers.enter_context(stranger.accept()[0])
                taken.setblocking(True)
                assert taken.recv(1) == b""
        assert server.client.get("/").status_code == 200
        assert set(retirements(server)) == {"request-unsent"}
        assert server.stop() == 0
        return True


IN_PARTS = """
import os, socket
end = 2 * bytes([13, 10])
listener = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
while True:
    connection, _ = listener.accept()
    with connection:
        if b"/informs" in connection.recv(65536):
            connection.sendall((b"HTTP/1.1 103 x" + end) * 1000)
        connection.sendall(b"HTTP/1.1 200 OK" + end[:2] + b"Transfer-Encoding: chunked" + end)
        connection.sendall((b"1" + end[:2] + b"x" + end[:2]) * 100_000 + b"0" + end)
"""


def test_an_answer_in_many_parts_keeps_nobody_else_waiting(source: Source) -> None:
    with run((sys.executable, str(source("parts.py", IN_PARTS)))) as server:
        got: list[bytes] = []
        thread = threading.Thread(target=lambda: got.append(server.client.get("/", timeout=60).content))
        thread.start()
        longest = 0.0
        with httpx.Client(base_url=server.client.base_url, timeout=60) as client:
            while thread.is_alive():
                begun = time.monotonic()
                client.get("/_/health")
                longest = max(longest, time.monotonic() - begun)
        assert got == [b"x" * 100_000]
        assert longest < 1
        assert server.client.get("/informs").status_code == 502
        assert server.stop() == 0


def test_an_answer_has_a_limit(standard: tuple[str, ...]) -> None:
    with run(standard, "--max-body", "1") as server:
        refused = server.client.post("/", content=b"x" * (1 << 21))
        assert refused.status_code == 413
        assert server.stop() == 0


@pytest.mark.parametrize(
    "env",
    [
        {"HOST": "0.0.0.0"},  # noqa: S104 - guarded all the same
        {"HOST": "::", "FAMILY": "10"},
        {"HOST": "::1", "FAMILY": "10"},
        {"HOST": "::ffff:127.0.0.1", "FAMILY": "10"},
    ],
    ids=lambda env: env["HOST"],
)
def test_it_may_listen_at_any_address(standard: tuple[str, ...], env: dict[str, str]) -> None:
    with run(standard, env=env) as server:
        for name in "a", "b":
            assert server.client.get("/", headers={"X-Name": name}).json()["seen"] == [name]
        assert server.stop() == 0


def test_it_may_listen_at_a_port_of_its_own(source: Source) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    text = STANDARD.replace('os.environ["PORT"]', str(port))
    with run((sys.executable, str(source("own.py", text)))) as server:
        for name in "a", "b":
            assert server.client.get("/", headers={"X-Name": name}).json()["seen"] == [name]
        assert server.stop() == 0


SLOW_TO_START = """
import os, socket, time

came = 0
first, main = socket.socket(), socket.socket()
for listener, port in (first, FIRST), (main, int(os.environ["PORT"])):
    listener.bind(("127.0.0.1", port))
    listener.listen()
    time.sleep(0.2)  # in which strangers try to come
first.setblocking(False)
while True:
    connection, _ = main.accept()
    connection.recv(65536)
    try:
        first.accept()
        came += 1
    except BlockingIOError:
        pass
    connection.sendall(b"HTTP/1.0 200 OK" + 2 * bytes([13, 10]) + b"%d" % came)
    came += 1
    connection.close()
"""


def test_nobody_comes_before_it_is_ready_nor_where_else_it_listens(source: Source) -> None:
    first = free_port()
    program = (sys.executable, str(source("slow.py", SLOW_TO_START.replace("FIRST", str(first)))))
    with hammered(first) as tried, run(program) as server:
        for _ in range(50):
            assert server.client.get("/").text == "0", server.log
        assert tried[0] == 0
        assert tried[1] > 100
        assert retirements(server) == {}, server.log
        assert server.stop() == 0


def test_several_workers_each_have_a_port(standard: tuple[str, ...]) -> None:
    with run(standard, "--workers", "2") as server:
        for number in range(20):
            assert server.client.get("/", headers={"X-Name": str(number)}).json()["seen"] == [str(number)]
        assert retirements(server) == {}
        assert server.stop() == 0


def test_it_is_warmed_up_by_requests(standard: tuple[str, ...]) -> None:
    warmup = '{"path": "/", "headers": {"X-Name": "warm"}}'
    with run(standard, "--warmup", warmup) as server:
        for name in "Ada", "Bob":
            assert server.client.get("/", headers={"X-Name": name}).json()["seen"] == ["warm", name]
        assert server.stop() == 0


def test_a_server_that_never_listens_does_not_start() -> None:
    sleeps = (sys.executable, "-c", "import threading; threading.Event().wait()")
    failed = groundhog("serve", "--protocol", "http", "--start-timeout", "1", "--", *sleeps)
    assert failed.returncode != 0
    assert "did not say that it has loaded within 1 s" in failed.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can choose the user")
def test_it_may_run_as_another_user() -> None:
    with run(programs.go("http"), "--uid", str(NOBODY)) as server:
        for _ in range(20):
            assert server.client.get("/").text == "1"
        assert retirements(server) == {}
        assert server.stop() == 0


async def test_a_pool_of_servers_takes_and_answers_objects(standard: tuple[str, ...]) -> None:
    function = Function.from_command(standard, protocol="http", warmup=[{"path": "/warm"}])
    async with Pool(function) as pool:
        for name in "a", "b":
            request = {"method": "POST", "path": "/x", "headers": {"X-Name": name}, "body": "hello"}
            reply = await pool.invoke(request)
            assert isinstance(reply.value, dict)
            assert reply.value["status"] == 200
            assert json.loads(str(reply.value["body"]))["seen"] == [None, name]
        with pytest.raises(InvalidRequestError, match="no member 'name'"):
            await pool.invoke({"name": "a"})


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "0.0.0.0", "::"])  # noqa: S104 - guarded all the same
def test_it_may_have_a_network_of_its_own(standard: tuple[str, ...], host: str) -> None:
    env = {"HOST": host, "FAMILY": "10" if ":" in host else "2"}
    with run(standard, "--network", "none", "--verify", "--workers", "2", env=env) as server:
        for number in range(20):
            name = str(number)
            assert server.client.get("/", headers={"X-Name": name}).json()["seen"] == [name], server.log
        assert retirements(server) == {}, server.log
        assert server.stop() == 0


def test_it_takes_no_privilege() -> None:
    """In a network of its own, whatever the kernel wants for filters on the machine's."""
    function = Function.from_command(programs.go("http"), protocol="http")

    async def ask() -> list[Any]:
        async with Pool(function, network="none", verify=True) as pool:
            return [(await pool.invoke({})).value["body"] for _ in range(5)]

    child = os.fork()
    if child == 0:
        try:
            dropped.drop()
            os._exit(0 if asyncio.run(ask()) == ["1"] * 5 else 1)
        except BaseException:  # noqa: BLE001 - the parent tells
            traceback.print_exc()
        os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_it_is_invoked_and_audited_by_objects(standard: tuple[str, ...], source: Source) -> None:
    asked = groundhog(
        "invoke", "--protocol", "http", "--payload", '{"path": "/x"}', "-n", "2", "--json", "--", *standard
    )
    assert asked.returncode == 0, asked.stderr
    values = [json.loads(line)["value"] for line in asked.stdout.splitlines()]
    assert [(value["status"], json.loads(value["body"])["seen"]) for value in values] == [(200, [None])] * 2
    payloads = source("payloads.jsonl", '{"path": "/a"}\n{"path": "/b", "method": "POST", "body": "x"}\n')
    counts = programs.go("http")
    audited = groundhog("audit", "--protocol", "http", "--payloads", str(payloads), "--", *counts)
    assert "restores verified byte by byte" in audited.stdout, audited.stdout + audited.stderr
    assert "without isolation, request 2 was answered differently" in audited.stdout
    assert "got two answers with isolation" not in audited.stdout


def test_one_that_cannot_be_guarded_has_a_network_of_its_own(
    standard: tuple[str, ...],
) -> None:
    env = {"GROUNDHOG_WITHOUT": "server-guard"}
    failed = groundhog("serve", "--protocol", "http", "--port", "0", "--", *standard, env=env)
    assert failed.returncode != 0
    assert "CAP_NET_ADMIN (or --network none)" in failed.stderr
    with run(standard, "--network", "none", env=env) as server:
        assert server.client.get("/").status_code == 200
        assert server.stop() == 0
