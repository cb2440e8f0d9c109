"""HTTP/1.1 requests for a server that is a function, and what it answers: as bytes, and as JSON.

A request is an object: ``method`` (GET by default), ``path`` (with the query, ``/`` by default), ``headers``
(values are texts, or lists of texts), ``body`` (a text) and ``base64`` (true: the body is bytes, encoded so).
An answer is one, too: ``status``, ``headers`` (pairs of name and value), ``body``, and ``base64`` where the
body is no UTF-8.

Connections are between neighbours, and so are some headers: see RFC 9110, section 7.6.1.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import h11

from groundhog.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Iterable

    Headers = tuple[tuple[bytes, bytes], ...]

_OF_CONNECTION = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
_OF_FRAMING = frozenset({b"content-length", b"expect"})
"""Of requests, which are sent whole: they have their length, and wait for nothing."""
_NEVER_OF_CONNECTION = frozenset({b"host"})
"""Whatever a sender says: without it a request is none."""
_HAVE_BODIES = frozenset({b"POST", b"PUT", b"PATCH"})
_MOST_HEAD = 64 << 10
"""Bytes of an answer's, which is read whole."""
_MEMBERS = {"method": str, "path": str, "headers": dict, "body": str, "base64": bool}


@dataclass(frozen=True, slots=True)
class Request:
    """A request, whole."""

    method: bytes
    target: bytes
    headers: Headers
    """Names in small letters; those of a connection are left out when it is sent."""
    body: bytes = b""

    @classmethod
    def of_json(cls, value: Any) -> Request:
        """What an object describes; an empty one asks for ``/``. InvalidRequestError says what is wrong."""
        _check_members(value)
        body = _body(value)
        method = value.get("method", "GET").encode()
        try:
            headers = tuple(
                (name.lower().encode("ascii"), text.encode("latin-1"))
                for name, texts in value.get("headers", {}).items()
                for text in ([texts] if isinstance(texts, str) else texts)
            )
            target = value.get("path", "/").encode("ascii")
        except (AttributeError, TypeError):
            raise InvalidRequestError("the headers of a request are texts, or lists of texts") from None
        except UnicodeEncodeError as error:
            what = f"{error.object!r} cannot be sent by HTTP: encode it"
            raise InvalidRequestError(what) from None
        if not any(name == b"host" for name, _ in headers):
            headers = ((b"host", b"localhost"), *headers)
        request = cls(method, target, headers, body)
        request.check()
        return request

    def check(self) -> None:
        """Raise InvalidRequestError where HTTP has no such request: before a process is given it."""
        Request(self.method, self.target, self.headers).encode(h11.Connection(h11.CLIENT))

    def encode(self, parser: h11.Connection) -> bytes:
        """The bytes to be sent, after which the connection ends. ``parser``: of a client, for the answer.

        Raises InvalidRequestError where HTTP has no such request.
        """
        headers = [*passed_on(self.headers, _OF_FRAMING), (b"connection", b"close")]
        if self.body or self.method in _HAVE_BODIES:
            headers.append((b"content-length", b"%d" % len(self.body)))
        try:
            head = parser.send(h11.Request(method=self.method, target=self.target, headers=headers))
            body = parser.send(h11.Data(data=self.body)) if self.body else b""
            end = parser.send(h11.EndOfMessage())
        except h11.LocalProtocolError as error:
            raise InvalidRequestError(f"HTTP has no such request: {error}") from None
        return b"".join(part for part in (head, body, end) if part)


def parser() -> h11.Connection:
    """Of one exchange, as a client has it: it is told of the request, and understands the answer."""
    return h11.Connection(h11.CLIENT, max_incomplete_event_size=_MOST_HEAD)


def passed_on(
    headers: Iterable[tuple[bytes, bytes]],
    besides: frozenset[bytes] = frozenset(),
    kept: frozenset[bytes] = frozenset(),
) -> Headers:
    """Those headers of a message that are not about the connection by which it came, less ``besides``.

    A sender cannot say that those in ``kept`` are about it.
    """
    listed = list(headers)
    named = {
        word.strip().lower()
        for name, value in listed
        if name.lower() == b"connection"
        for word in value.split(b",")
    }
    left_out = _OF_CONNECTION | besides | (named - _NEVER_OF_CONNECTION - kept)
    if any(name.lower() == b"transfer-encoding" for name, _ in listed):
        left_out |= {b"content-length"}  # which it overrides: RFC 9112, section 6.3
    return tuple((name, value) for name, value in listed if name.lower() not in left_out)


def answer(status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> dict[str, Any]:
    """An answer as JSON, less when it was made: equal ones are the same."""
    told: dict[str, Any] = {
        "status": status,
        "headers": [
            [name.decode("latin-1"), value.decode("latin-1")]
            for name, value in headers
            if name.lower() != b"date"
        ],
    }
    try:
        return {**told, "body": body.decode()}
    except UnicodeDecodeError:
        return {**told, "body": base64.b64encode(body).decode(), "base64": True}


def _check_members(value: Any) -> None:
    if not isinstance(value, dict):
        raise InvalidRequestError(
            "a request of a server is an object with method, path, headers, body and base64, all of them"
            f" optional, not {type(value).__name__}"
        )
    for name, member in value.items():
        if name not in _MEMBERS:
            raise InvalidRequestError(f"a request has no member {name!r}: choose from {', '.join(_MEMBERS)}")
        if not isinstance(member, _MEMBERS[name]):
            wanted = {str: "a text", dict: "an object", bool: "true or false"}[_MEMBERS[name]]
            raise InvalidRequestError(f"the {name} of a request is {wanted}, not {type(member).__name__}")


def _body(value: dict[str, Any]) -> bytes:
    text = value.get("body", "")
    if not value.get("base64", False):
        try:
            return str(text).encode()
        except UnicodeEncodeError:
            raise InvalidRequestError("the body of a request has half a surrogate pair in it") from None
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidRequestError(f"the body of a request is not in base64: {error}") from None
