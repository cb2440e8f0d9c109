"""The smallest function: what a request costs when the function does nothing."""

from __future__ import annotations


def main(params: dict[str, str]) -> dict[str, str]:
    """Greet."""
    return {"greeting": f"Hello, {params.get('name', 'stranger')}!"}
