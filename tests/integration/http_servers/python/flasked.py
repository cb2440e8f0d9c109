"""Counts its requests, by Flask."""

from __future__ import annotations

from flask import Flask

app = Flask(__name__)
seen: list[None] = []


@app.get("/")
def count() -> str:
    seen.append(None)
    return str(len(seen))
