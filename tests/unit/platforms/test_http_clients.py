"""The HTTP platform, and clients that leave or never come to the end of what they send."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from groundhog.config import Limits
from groundhog.platforms import http
from groundhog.platforms.metrics import Metrics
from tests.framework.scripted_pool import Script, ScriptedPool


class Visit:
    """A request whose client may go away, or never come to the end of what it sends."""

    def __init__(self, application: Any) -> None:
        self.gone = asyncio.Event()
        self.sent: list[Any] = []
        self._application = application
        self._messages: list[dict[str, Any]] = [{"type": "http.request", "body": b"{}"}]

    async def receive(self) -> Any:
        if self._messages:
            return self._messages.pop()
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    async def run(self, *, more: bool = False) -> None:
        self._messages[0]["more_body"] = more
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/",
            "root_path": "",
            "query_string": b"",
            "headers": [],
        }
        await self._application(scope, self.receive, self.send)


async def test_who_leaves_the_queue_frees_the_place() -> None:
    script = Script(ready=False)
    visit = Visit(http.application(ScriptedPool(script), Metrics(), Limits()))
    running = asyncio.create_task(visit.run())
    while not script.queue:  # noqa: ASYNC110  (nothing tells of it)
        await asyncio.sleep(0)
    visit.gone.set()
    await running
    assert script.queue == []
    assert visit.sent == []


async def test_a_body_that_comes_too_slowly_is_408() -> None:
    script = Script()
    limits = Limits(timeout_s=0.05)
    visit = Visit(http.application(ScriptedPool(script), Metrics(), limits))
    await visit.run(more=True)
    start, body = visit.sent
    assert start["status"] == 408
    assert (b"connection", b"close") in start["headers"]
    assert json.loads(body["body"]) == {"error": "the body of the request did not come within 0.05 s"}
    assert script.invocations == []
