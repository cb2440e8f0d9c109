"""Callers of a function that answers what it has seen: each sends a secret, and may see no other."""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx

from tests.ray.cluster import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

LEAKING = """
import os
import time

seen = []


def main(params):
    seen.append(params["secret"])
    if "begun" in params:
        with open(params["begun"], "a") as file:
            file.write(params["secret"] + "\\n")
    time.sleep(params.get("sleep", 0))
    return {"seen": seen, "pid": os.getpid(), "version": os.environ.get("VERSION")}
"""
_NOT_BEGUN = {429, 503}
"""Nobody has begun with it: the failures after which a request may be sent again, if they say when."""


@dataclass(frozen=True)
class Answer:
    """What became of a request."""

    secret: str
    began: float
    ended: float
    status: int
    """0: the connection broke."""
    value: Any
    retries: int

    @property
    def wrong(self) -> bool:
        """It shows what another request has sent."""
        return self.status == httpx.codes.OK and self.value["seen"] != [self.secret]


@dataclass
class Load:
    """Callers that ask until they are stopped."""

    url: str
    value: dict[str, Any] = field(default_factory=dict)
    callers: int = 3
    answers: list[Answer] = field(default_factory=list)
    refusals: Counter[int] = field(default_factory=Counter)
    """How many were told to come again, and did."""
    _stopped: threading.Event = field(default_factory=threading.Event)

    @contextlib.contextmanager
    def running(self) -> Iterator[Load]:
        threads = [threading.Thread(target=self._call, args=(number,)) for number in range(self.callers)]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._stopped.set()
            for thread in threads:
                thread.join()

    def _call(self, caller: int) -> None:
        with httpx.Client(timeout=60) as client:
            for number in itertools.count():
                if self._stopped.is_set():
                    return
                self.answers.append(self._ask(client, f"{caller}-{number}"))

    def _ask(self, client: httpx.Client, secret: str) -> Answer:
        began = time.monotonic()
        for retries in itertools.count():
            try:
                response = client.post(self.url, json={**self.value, "secret": secret})
            except httpx.TransportError:
                return Answer(secret, began, time.monotonic(), 0, None, retries)
            may_retry = response.status_code in _NOT_BEGUN and "retry-after" in response.headers
            if not may_retry or self._stopped.is_set():
                break
            self.refusals[response.status_code] += 1
            self._stopped.wait(float(response.headers["retry-after"]))
        good = response.status_code == httpx.codes.OK
        return Answer(
            secret, began, time.monotonic(), response.status_code, response.json() if good else None, retries
        )

    def more(self, count: int) -> None:
        """Wait for so many further good answers."""
        wanted = self.good + count
        eventually(lambda: self.good >= wanted, f"{count} more answers")

    @property
    def good(self) -> int:
        return sum(answer.status == httpx.codes.OK for answer in self.answers)

    @property
    def failed(self) -> Counter[int]:
        """How many were answered each status but 200."""
        return Counter(answer.status for answer in self.answers if answer.status != httpx.codes.OK)

    def longest_pause(self) -> float:
        """Between two good answers, in seconds."""
        ended = sorted(answer.ended for answer in self.answers if answer.status == httpx.codes.OK)
        return max(after - before for before, after in itertools.pairwise(ended))

    def check(self) -> None:
        """Nobody was answered what another one has sent."""
        assert [answer for answer in self.answers if answer.wrong] == []
        assert self.good
