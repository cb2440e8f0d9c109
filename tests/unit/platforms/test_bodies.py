"""The bodies of requests that are not answered yet take no more room than there is, all together."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from groundhog.platforms import answers, bodies
from groundhog.platforms.answers import JsonAnswer, Refusing

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import Message

KIB = 1024
LIMIT = 100_000 * KIB
LARGE, SMALL = bytes(600 * KIB), bytes(60 * KIB)


class Caller:
    """Sends the beginning of a body, and the rest of it when it is told."""

    def __init__(self, begun: bytes) -> None:
        self._pieces: list[Message] = [{"type": "http.request", "body": begun, "more_body": True}]
        self.sent: list[Message] = []
        self.goes_on = asyncio.Event()

    async def receive(self) -> Message:
        if self._pieces:
            return self._pieces.pop()
        await self.goes_on.wait()
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    def ask(self) -> asyncio.Task[None]:
        scope = {"type": "http", "method": "POST", "path": "/", "headers": [], "query_string": b""}
        return asyncio.create_task(Refusing(_read, ("POST",))(scope, self.receive, self.send))

    @property
    def status(self) -> int | None:
        return self.sent[0]["status"] if self.sent else None


async def _read(request: Request) -> Response:
    await answers.read_body(request, LIMIT, 20)
    return JsonAnswer({})


@pytest.fixture(autouse=True)
def _room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "MOST", 1000 * KIB)


async def test_large_bodies_that_never_end_are_few() -> None:
    first, second, small = callers = [Caller(LARGE), Caller(LARGE), Caller(SMALL)]
    asked = []
    for caller in callers:
        asked.append(caller.ask())
        await asyncio.sleep(0)
    await asked[1]
    assert second.status == 429
    assert dict(second.sent[0]["headers"])[b"retry-after"] == b"1"
    assert "take all the room" in json.loads(second.sent[1]["body"])["error"]
    small.goes_on.set()
    await asked[2]
    assert small.status == 200
    first.goes_on.set()
    await asked[0]
    assert first.status == 200
    again = Caller(LARGE)  # what was answered takes no room
    again.goes_on.set()
    await again.ask()
    assert again.status == 200


async def test_a_caller_that_is_alone_may_send_what_a_body_may_have() -> None:
    caller = Caller(bytes(5000 * KIB))
    caller.goes_on.set()
    await caller.ask()
    assert caller.status == 200


async def test_whoever_goes_away_takes_no_room() -> None:
    for _ in range(5):
        caller = Caller(LARGE)
        asked = caller.ask()
        await asyncio.sleep(0)
        asked.cancel()
        await asked
        assert caller.status == 503
    caller = Caller(LARGE)
    caller.goes_on.set()
    await caller.ask()
    assert caller.status == 200
