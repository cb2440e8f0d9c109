"""Connections that a client library opens again by itself, closed before the snapshot. For the launcher.

A request that used one would cost the process that connection, or find out first that it is gone. So idle
ones are given up, through the library's public interface, where that promises to connect anew on demand. All
others stay: a session is part of them, and what it holds cannot be made again.
"""

from __future__ import annotations

import gc
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

NETWORKED = frozenset({"mariadb", "mssql", "mysql", "oracle", "postgresql"})
"""Dialects of SQLAlchemy whose data are not within the connection, as they may be with SQLite."""


def drop(report: Callable[[BaseException], None]) -> None:
    """Close what is idle. ``report``: told of a library that refuses, whose connections then stay."""
    found = [
        ("sqlalchemy.engine", "Engine", _sqlalchemy),
        ("redis.connection", "ConnectionPool", _redis),
        ("http.client", "HTTPConnection", _http),
    ]
    for module, name, close in found:
        kind = getattr(sys.modules.get(module), name, None)
        if kind is None:
            continue
        try:
            close(kind)
        except Exception as error:  # noqa: BLE001 - whatever it is, the others are closed
            report(error)


def _instances(kind: type) -> Iterator[Any]:
    """By their type, not by ``__class__``: to ask a proxy for that may load what it stands for."""
    yield from [its for its in gc.get_objects() if issubclass(type(its), kind)]


def _sqlalchemy(kind: type) -> None:
    # https://docs.sqlalchemy.org/en/20/core/connections.html#engine-disposal
    # Other pools than queues close connections that are in use, too.
    queue = sys.modules["sqlalchemy.pool"].QueuePool
    for engine in _instances(kind):
        if (
            engine.dialect.name in NETWORKED
            and not engine.dialect.is_async
            and isinstance(engine.pool, queue)
        ):
            engine.dispose()


def _redis(kind: type) -> None:
    for pool in _instances(kind):
        pool.disconnect(inuse_connections=False)


def _http(kind: type) -> None:
    # As long as an answer is being read, it may be that of any connection.
    client = sys.modules["http.client"]
    if all(response.isclosed() for response in _instances(client.HTTPResponse)):
        for connection in _instances(kind):
            if type(connection) in (kind, client.HTTPSConnection) and connection.auto_open:
                idle = connection._HTTPConnection__state == client._CS_IDLE  # noqa: SLF001 - nothing else tells
                if idle and connection.sock is not None and _leads_back(connection):
                    connection.close()


def _leads_back(connection: Any) -> bool:
    """Whether it would be opened again to where it leads now: functions give it sockets of their own, such as
    Unix ones, or ones to an address that its host does not have.
    """
    socket = sys.modules["socket"]
    its = connection.sock
    if hasattr(connection, "_context"):
        name = connection._tunnel_host or connection.host  # noqa: SLF001 - as it does itself
        if (getattr(its, "context", None), getattr(its, "server_hostname", None)) != (
            connection._context,  # noqa: SLF001
            name,
        ):
            return False
    elif type(its) is not socket.socket:
        return False
    if its.family not in (socket.AF_INET, socket.AF_INET6):
        return False
    try:
        peer = its.getpeername()
        found = socket.getaddrinfo(connection.host, connection.port, its.family, socket.SOCK_STREAM)
    except OSError:  # it is over, or nobody tells
        return False
    return any(address[:2] == peer[:2] for *_, address in found)
