"""A web application that every rival serves: it adds up the orders in a document of 100."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIEnvironment


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer one request."""
    length = int(environ.get("CONTENT_LENGTH") or 0)
    orders = json.loads(environ["wsgi.input"].read(length) or b"[]")
    body = json.dumps({"total": sum(order["price"] * order["count"] for order in orders)}).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
