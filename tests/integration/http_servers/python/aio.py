"""Counts its requests, by aiohttp."""

from __future__ import annotations

import os

from aiohttp import web

seen: list[None] = []


async def count(_: web.Request) -> web.Response:
    seen.append(None)
    return web.Response(text=str(len(seen)))


app = web.Application()
app.router.add_get("/", count)
web.run_app(app, host="127.0.0.1", port=int(os.environ["PORT"]))
