"""The command line in this process, with function processes that are real but not traced."""

from __future__ import annotations

import logging
import signal
from typing import TYPE_CHECKING

import pytest
import structlog

from groundhog.testing import FakeEngine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HANDLER = """
calls = 0

def main(params):
    global calls
    calls += 1
    print("called with", sorted(params))
    if "divisor" in params:
        return {"quotient": 1 / params["divisor"]}
    return {"calls": calls, **params}
"""


@pytest.fixture(autouse=True)
def visitors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks a server is in its process, and holds nothing for its functions."""
    monkeypatch.setattr("groundhog.platforms.neighbours._supervises", lambda _: False)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeEngine]:
    """The engine of every pool; no process of it may be left."""
    engine = FakeEngine()
    monkeypatch.setattr("groundhog.pool.default_engine", lambda: engine)
    yield engine
    assert engine.alive == 0


@pytest.fixture
def handler(tmp_path: Path) -> str:
    """A file with a function that counts its calls."""
    path = tmp_path / "handler.py"
    path.write_text(HANDLER)
    return str(path)


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """Undo what a command configures for its process."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:], root.level = handlers, level
    logging.getLogger("groundhog").setLevel(logging.NOTSET)
    structlog.reset_defaults()


@pytest.fixture(autouse=True)
def signals_as_before() -> Iterator[None]:
    """Put back the handlers of what ends a command, and the alarm that it sets then."""
    numbers = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGALRM)
    before = {number: signal.getsignal(number) for number in numbers}
    timer = signal.getitimer(signal.ITIMER_REAL)
    yield
    signal.setitimer(signal.ITIMER_REAL, *timer)
    for number, its in before.items():
        signal.signal(number, its)
