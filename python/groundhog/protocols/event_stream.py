"""Messages of AWS's event streams, as they are sent: ``application/vnd.amazon.eventstream``.

See https://docs.aws.amazon.com/transcribe/latest/dg/streaming-setting-up.html#streaming-event-stream.
"""

from __future__ import annotations

import struct
import zlib

CONTENT_TYPE = "application/vnd.amazon.eventstream"
_STRING = 7
"""The kind of a header's value."""
_AROUND = 16
"""Bytes of a message besides headers and payload: two lengths, two checksums."""


def event(kind: str, content_type: str, payload: bytes) -> bytes:
    """One event of that kind."""
    headers = {":event-type": kind, ":content-type": content_type, ":message-type": "event"}
    named = b"".join(_header(name.encode(), value.encode()) for name, value in headers.items())
    prelude = struct.pack(">II", _AROUND + len(named) + len(payload), len(named))
    message = prelude + struct.pack(">I", zlib.crc32(prelude)) + named + payload
    return message + struct.pack(">I", zlib.crc32(message))


def _header(name: bytes, value: bytes) -> bytes:
    return struct.pack(f">B{len(name)}sBH", len(name), name, _STRING, len(value)) + value
