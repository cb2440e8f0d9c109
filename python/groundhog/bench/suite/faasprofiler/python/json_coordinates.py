"""Reads a thousand points from the JSON of its request, and answers their centre."""

from __future__ import annotations

from typing import Any


def main(params: dict[str, Any]) -> dict[str, float]:
    """Answer the means of the coordinates."""
    points = params["coordinates"]
    centre = {}
    for axis in "xyz":
        total = 0.0
        for point in points:  # not by sum(), which rounds differently since Python 3.12
            total += point[axis]
        centre[axis] = total / len(points)
    return centre
