"""The smallest endpoint: it answers what it is asked."""

from __future__ import annotations

from typing import Any


def main(params: dict[str, Any]) -> dict[str, Any]:
    """Answer the parameters."""
    return {"received": params}
