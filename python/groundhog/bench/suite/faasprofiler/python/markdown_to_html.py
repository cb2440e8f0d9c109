"""Turns a document in Markdown into HTML."""

from __future__ import annotations

import base64
import zlib
from typing import Any

import markdown


def main(params: dict[str, Any]) -> dict[str, int]:
    """Answer the size and the checksum of the page; the document comes as base64, as a web action's body."""
    text = base64.b64decode(params["markdown"]).decode()
    page = markdown.markdown(text).encode()
    return {"bytes": len(page), "crc32": zlib.crc32(page)}
