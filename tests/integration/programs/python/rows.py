"""Sorts rows: what a usual request is."""

from __future__ import annotations

from typing import Any


def main(params: dict[str, Any]) -> dict[str, Any]:
    rows = sorted(params["rows"], key=lambda row: row["n"])
    return {"rows": rows, "sum": sum(row["n"] for row in rows)}
