"""Counts its requests, by Google's functions-framework."""

from __future__ import annotations

from typing import Any

import functions_framework

seen: list[None] = []


@functions_framework.http
def count(_: Any) -> str:
    seen.append(None)
    return str(len(seen))
