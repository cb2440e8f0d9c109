"""A function may take all threads that its user may have: what needs one then has it later."""

from __future__ import annotations

import asyncio
import os
import threading
from typing import TYPE_CHECKING

import pytest

from groundhog import removal
from groundhog.platforms.printer import Printer

if TYPE_CHECKING:
    from collections.abc import Callable

SOON_S = 20
LARGE = b"x" * 100_000


@pytest.fixture
def exhausted(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """There are no threads; there are once it is called."""

    def none(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", none)
    return monkeypatch.undo


def test_what_waits_for_a_thread_is_printed_later(exhausted: Callable[[], None]) -> None:
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as read, os.fdopen(writer, "wb") as write:
        printer = Printer(write.fileno())
        first = printer.put(LARGE)
        assert first is not None
        assert not first.done()
        exhausted()
        last = printer.put(b"the rest\n")
        assert last is not None
        assert read.read(len(LARGE) + 9) == LARGE + b"the rest\n"
        assert last.result(SOON_S) is None


def test_what_waits_for_a_thread_is_removed_later(
    exhausted: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(removal, "_PATIENCE_S", 0.05)
    done: list[int] = []
    remover = removal.Remover()
    assert not asyncio.run(remover.patiently(lambda: done.append(1)))
    exhausted()
    remover.put(lambda: done.append(2)).result(SOON_S)
    assert done == [1, 2]
    remover.stop()


def test_what_is_to_be_removed_at_the_end_is(exhausted: Callable[[], None]) -> None:
    remover = removal.Remover()
    last = remover.put(lambda: None)
    exhausted()
    remover.stop()
    last.result(SOON_S)
