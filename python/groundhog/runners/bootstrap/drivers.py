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
    for engine in _instances(kind):
        if engine.dialect.name in NETWORKED and not engine.dialect.is_async:
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
                connection.close()
