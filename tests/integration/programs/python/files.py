"""Copies and serves a file in each way that the standard library has; answers the digest of what arrived."""

from __future__ import annotations

import asyncio
import concurrent.futures
import functools
import hashlib
import http.server
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def copied(source: Path, copy: Callable[[Path, Path], object]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "copy")
        copy(source, target)
        return target.read_bytes()


def by_copy_file_range(source: Path, target: Path) -> None:
    with source.open("rb") as read, target.open("wb") as write:
        try:
            while os.copy_file_range(read.fileno(), write.fileno(), 1 << 20):
                pass
        except OSError:
            shutil.copyfileobj(read, write)


def tree(source: Path) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "from").mkdir()
        shutil.copy(source, Path(folder, "from/file"))
        shutil.copytree(Path(folder, "from"), Path(folder, "to"), copy_function=shutil.copyfile)
        shutil.move(Path(folder, "to/file"), Path(folder, "moved"))
        return Path(folder, "moved").read_bytes()


def received(send: Callable[[socket.socket], object]) -> bytes:
    """What arrives at the other end of a connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        near = socket.create_connection(server.getsockname())
        far, _ = server.accept()
    parts = []

    def read() -> None:
        with far:
            while part := far.recv(1 << 16):
                parts.append(part)

    reader = threading.Thread(target=read)
    reader.start()
    with near:
        send(near)
    reader.join()
    return b"".join(parts)


def by_sendfile(source: Path, near: socket.socket) -> None:
    with source.open("rb") as read:
        near.sendfile(read)


def by_asyncio(source: Path, near: socket.socket) -> None:
    async def send() -> None:
        near.setblocking(False)
        with source.open("rb") as read:
            await asyncio.get_running_loop().sock_sendfile(near, read)

    asyncio.run(send())


def by_http(source: Path) -> bytes:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(source.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(
            target=server.serve_forever, args=[0.01]
        )  # looks so often whether it is to end
        thread.start()
        with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/{source.name}") as answer:
            body: bytes = answer.read()
        server.shutdown()
        thread.join()
    return body


def by_thread(source: Path) -> bytes:
    with concurrent.futures.ThreadPoolExecutor(3) as threads:
        return list(threads.map(Path.read_bytes, [source] * 3))[-1]


def by_child(source: Path) -> bytes:
    return subprocess.run([shutil.which("cat") or "cat", source], capture_output=True, check=True).stdout


def main(params: dict[str, Any]) -> dict[str, Any]:
    source = Path(params["source"])
    if "write" in params:
        source.write_bytes(params["write"].encode() * 100_000)
    ways = {
        "copyfile": lambda: copied(source, shutil.copyfile),
        "copy_file_range": lambda: copied(source, by_copy_file_range),
        "copytree": lambda: tree(source),
        "socket.sendfile": lambda: received(functools.partial(by_sendfile, source)),
        "sock_sendfile": lambda: received(functools.partial(by_asyncio, source)),
        "http": lambda: by_http(source),
        "threads": lambda: by_thread(source),
        "subprocess": lambda: by_child(source),
    }
    chosen = params.get("ways") or ways
    return {"digests": {way: digest(ways[way]()) for way in chosen}, "pid": os.getpid()}
