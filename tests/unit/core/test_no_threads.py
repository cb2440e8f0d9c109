"""A function may take all threads that its user may have: what needs one then has it later."""

from __future__ import annotations

import asyncio
import os
import threading
from typing import TYPE_CHECKING

import pytest

from groundhog import removal
from groundhog._threads import Threads
from groundhog.platforms.printer import Printer

if TYPE_CHECKING:
    from collections.abc import Callable

SOON_S = 20
LARGE = b"x" * 100_000


def _none(_: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


@pytest.fixture
def exhausted(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """There are no threads; there are once it is called."""
    monkeypatch.setattr(threading.Thread, "start", _none)
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


def test_work_without_a_thread_of_its_own_is_done_by_another(monkeypatch: pytest.MonkeyPatch) -> None:
    with Threads(2) as threads:
        busy = threading.Event()
        first = threads.submit(busy.wait, SOON_S)
        monkeypatch.setattr(threading.Thread, "start", _none)
        second = threads.submit(lambda: 2)
        assert not second.done()
        busy.set()
        assert first.result(SOON_S)
        assert second.result(SOON_S) == 2


def test_work_that_is_refused_is_never_done(exhausted: Callable[[], None]) -> None:
    done: list[int] = []
    with Threads(1) as threads:
        with pytest.raises(OSError, match="no thread"):
            threads.submit(done.append, 1)
        exhausted()
        threads.submit(done.append, 2).result(SOON_S)
    assert done == [2]
    with pytest.raises(RuntimeError, match="after the end"):
        threads.submit(done.append, 3)
