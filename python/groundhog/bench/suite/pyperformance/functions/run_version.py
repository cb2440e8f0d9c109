"""Says which Python it is: the shortest function that there is."""

from __future__ import annotations

import sys
from typing import Any


def main(_: dict[str, Any]) -> dict[str, Any]:
    """The version."""
    return {"version": list(sys.version_info[:2])}
