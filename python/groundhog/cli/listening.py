"""Serving an ASGI application until a signal.

The socket comes first, the workers next, then a line that says it is ready.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import signal
import socket
from typing import TYPE_CHECKING

import click
import uvicorn

from groundhog.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from starlette.types import ASGIApp

SIGNALS = (signal.SIGTERM, signal.SIGINT)
BACKLOG = 1024


class _Server(uvicorn.Server):
    """Uvicorn raises the signals that it caught once more when it ends; ours end it with exit code 0."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises:
        ConfigError: the address cannot be had; it says which, and why.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise ConfigError(f"cannot listen on {host}: {error.strerror}") from None
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        advice = "; choose another with --port" if error.errno == errno.EADDRINUSE else ""
        raise ConfigError(f"cannot listen on {host} port {port}: {error.strerror}{advice}") from None
    sock.setblocking(False)
    return sock


def url(sock: socket.socket) -> str:
    """Return the address of a listening socket as a URL."""
    host, port = sock.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def serve(
    application: ASGIApp,
    sock: socket.socket,
    *,
    start: Callable[[], Awaitable[None]],
    close: Callable[[], Awaitable[None]],
    announcement: str | None,
    drain_s: float,
) -> None:
    """Serve until SIGTERM or SIGINT, then answer what is under way, and end; a second signal ends at once.

    Args:
        application: what is served. It is up before the workers are, so that health can be asked for.
        sock: a listening socket.
        start: makes the application ready.
        close: leaves nothing running; called in any case.
        announcement: the line printed when it is ready, if any.
        drain_s: how long requests under way may still take, in seconds.
    """
    config = uvicorn.Config(
        application,
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=max(1, round(drain_s)),
        backlog=BACKLOG,
    )
    server = _Server(config)
    stopped = asyncio.Event()

    def stop() -> None:
        server.force_exit = stopped.is_set()
        server.should_exit = True
        stopped.set()

    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        loop.add_signal_handler(number, stop)
    serving = asyncio.create_task(server.serve(sockets=[sock]))
    starting = asyncio.ensure_future(start())
    stopping = asyncio.create_task(stopped.wait())
    try:
        await asyncio.wait({starting, stopping, serving}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            if announcement is not None and not stopped.is_set():
                click.echo(announcement)
            await asyncio.wait({stopping, serving}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        server.should_exit = True
        for task in (starting, stopping):
            task.cancel()
        await asyncio.gather(starting, stopping, return_exceptions=True)
        await asyncio.gather(serving, return_exceptions=True)
        await close()
        for number in SIGNALS:
            loop.remove_signal_handler(number)
    serving.result()
