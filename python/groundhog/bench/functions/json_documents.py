"""Parses and renders a document of some 150 kB: many small objects, and so many dirty pages."""

from __future__ import annotations

import json

_DOCUMENT = json.dumps(
    [{"id": n, "name": f"item {n}", "tags": [f"t{n % 7}", f"t{n % 11}"], "price": n / 7} for n in range(1800)]
)


def main(params: dict[str, int]) -> dict[str, int]:
    """Add what is asked to every price, and say how long the result is."""
    items = json.loads(_DOCUMENT)
    for item in items:
        item["price"] += params.get("add", 1)
    return {"items": len(items), "length": len(json.dumps(items))}
