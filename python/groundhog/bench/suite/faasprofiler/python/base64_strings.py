"""Encodes a string of a million bytes as base64, and decodes it, again and again."""

from __future__ import annotations

import base64
from typing import Any


def main(params: dict[str, Any]) -> dict[str, int]:
    """Answer how many bytes were made of ``size``, in ``rounds`` rounds each."""
    text = b"a" * params["size"]
    encoded = b""
    made = {"encoded": 0, "decoded": 0}
    for _ in range(params["rounds"]):
        encoded = base64.b64encode(text)
        made["encoded"] += len(encoded)
    for _ in range(params["rounds"]):
        made["decoded"] += len(base64.b64decode(encoded))
    return made
