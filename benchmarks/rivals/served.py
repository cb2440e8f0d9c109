"""Serve the orders at a port by the standard library alone: `python served.py PORT [fork]`.

``fork``: each request in a child. Without, one after another; the program that a checkpoint is taken of.
"""

from __future__ import annotations

import socketserver
import sys
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from orders import application


class Quiet(WSGIRequestHandler):
    """Logs no request, as the other servers do not."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Leave it out."""


class Forking(socketserver.ForkingMixIn, WSGIServer):
    """A child for each request."""


if __name__ == "__main__":
    kind = Forking if sys.argv[2:] == ["fork"] else WSGIServer
    with make_server("127.0.0.1", int(sys.argv[1]), application, kind, Quiet) as server:
        server.serve_forever()
