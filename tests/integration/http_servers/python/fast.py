"""Counts its requests, by FastAPI."""

from __future__ import annotations

from fastapi import FastAPI

app = FastAPI()
seen: list[None] = []


@app.get("/")
def count() -> int:
    seen.append(None)
    return len(seen)
