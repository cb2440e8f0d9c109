"""Which connections over TLS the launcher of Python functions closes before the snapshot."""

from __future__ import annotations

import http.client
import socket
import ssl
from typing import TYPE_CHECKING

import pytest

from groundhog.runners.bootstrap import drivers

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTEXT = ssl.create_default_context()


@pytest.fixture
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def refuse(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize(
    ("host", "context", "name", "is_closed"),
    [
        ("127.0.0.1", CONTEXT, "127.0.0.1", True),
        ("127.0.0.1", CONTEXT, "elsewhere.example", False),
        ("127.0.0.1", ssl.create_default_context(), "127.0.0.1", False),
        ("127.0.0.2", CONTEXT, "127.0.0.2", False),
        ("127.0.0.1", None, "", False),
    ],
    ids=["its own", "another name", "another context", "another address", "no TLS"],
)
def test_it_is_closed_if_it_would_be_opened_alike(
    port: int, host: str, context: ssl.SSLContext | None, name: str, *, is_closed: bool
) -> None:
    connection = http.client.HTTPSConnection(host, port, context=CONTEXT)
    plain = socket.create_connection(("127.0.0.1", port))
    connection.sock = (
        context.wrap_socket(plain, server_hostname=name, do_handshake_on_connect=False) if context else plain
    )
    with connection.sock:
        drivers.drop(refuse)
        assert (connection.sock is None) == is_closed
