"""Sixteen clients, two workers, one of which is killed each second: no answer is wrong, lost or doubled."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.framework.commands import NO_CERTIFICATES, Served, served

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Source = Callable[[str, str], Path]

pytestmark = [pytest.mark.kernel, pytest.mark.alone]
CLIENTS = 16
FUNCTION = """
import os, socket

seen = []
told = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

def main(event, context=None):
    seen.append(event["id"])
    told.sendto(event["id"].encode(), ("127.0.0.1", event["port"]))
    return {"id": event["id"], "seen": seen}
"""
INVOCATIONS = "/2015-03-31/functions/function/invocations"
PLATFORMS: dict[str, Callable[[Path], tuple[str, tuple[str, ...]]]] = {
    "serve": lambda path: ("/", ("serve", str(path), "--workers", "2")),
    "lambda": lambda path: (
        INVOCATIONS,
        ("lambda", "--workers", "2", "--", sys.executable, "-m", "awslambdaric", f"{path.stem}.main"),
    ),
}


class Effects:
    """What the functions say that they do, each time they are called."""

    def __init__(self) -> None:
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self._sock.bind(("127.0.0.1", 0))
        self._sock.setblocking(False)
        self.port = self._sock.getsockname()[1]
        self.calls: Counter[str] = Counter()

    def read(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                self.calls[self._sock.recv(100).decode()] += 1

    def close(self) -> None:
        self._sock.close()


async def load(server: Served, path: str, requests: int, effects: Effects) -> tuple[dict[str, Any], int]:
    """All answers by the request's name, and how many processes were killed meanwhile."""
    answers: dict[str, Any] = {}
    numbers = iter(range(requests))

    async def ask(client: httpx.AsyncClient) -> None:
        for number in numbers:
            name = f"request {number}"
            assert name not in answers
            answer = await client.post(path, json={"id": name, "port": effects.port})
            body = answer.json()
            failed = answer.status_code != 200 or "x-amz-function-error" in answer.headers
            answers[name] = None if failed else body
            effects.read()

    async def kill() -> int:
        killed = 0
        while True:
            await asyncio.sleep(1)  # that is how often
            pids = server.function_pids()
            if pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pids[killed % len(pids)], signal.SIGKILL)
                    killed += 1
            counts.append(killed)

    counts = [0]
    async with contextlib.AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(
                httpx.AsyncClient(base_url=server.url, timeout=60, verify=NO_CERTIFICATES)
            )
            for _ in range(CLIENTS)
        ]
        killing = asyncio.create_task(kill())
        await asyncio.gather(*map(ask, clients))
        killing.cancel()
    return answers, counts[-1]


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("requests", [1000, pytest.param(20_000, marks=pytest.mark.slow)])
@pytest.mark.timeout(600)
def test_no_answer_is_wrong_lost_or_doubled(source: Source, platform: str, requests: int) -> None:
    handler = source("handler.py", FUNCTION)
    path, words = PLATFORMS[platform](handler)
    effects = Effects()
    with contextlib.closing(effects), served(*words, env={"PYTHONPATH": str(handler.parent)}) as server:
        answers, killed = asyncio.run(load(server, path, requests, effects))
        effects.read()
        assert len(answers) == requests
        failed = [name for name, answer in answers.items() if answer is None]
        right = {name: answer for name, answer in answers.items() if answer is not None}
        assert right == {name: {"id": name, "seen": [name]} for name in right}
        assert len(failed) <= killed, "who was not killed answered"
        assert set(effects.calls.values()) <= {1}, "none was called twice"
        assert set(right) <= set(effects.calls)
        assert server.stop() == 0
