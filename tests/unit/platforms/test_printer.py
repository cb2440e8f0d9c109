"""What is printed comes in order, and nobody waits for whoever reads it."""

from __future__ import annotations

import concurrent.futures
import os
from typing import TYPE_CHECKING

import pytest

from groundhog.platforms.printer import Printer

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMIT = 1_000_000
SOON_S = 20


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    yield reader, writer
    os.close(reader)
    os.close(writer)


def test_what_finds_room_is_written_at_once(pipe: tuple[int, int]) -> None:
    put = Printer(pipe[1]).put(b"short")
    assert put is not None
    assert put.done()
    assert os.read(pipe[0], 100) == b"short"


def test_nobody_reads(pipe: tuple[int, int]) -> None:
    printer = Printer(pipe[1], LIMIT)
    large = [b"a" * 400_000, b"b" * 400_000]
    put = [printer.put(data) for data in large]
    assert printer.put(b"c" * 400_000) is None, "there is no room for it"
    put.append(printer.put(b"end"))
    assert not any(done is None or done.done() for done in put)
    expected = b"".join([*large, b"end"])
    found = b""
    while len(found) < len(expected):
        found += os.read(pipe[0], LIMIT)
    assert found == expected
    assert concurrent.futures.wait([done for done in put if done is not None], SOON_S).not_done == set()
    again = printer.put(b"d" * 400_000)
    assert again is not None, "there is room again"
    # To its end: a writer that goes on would write to whatever gets the number of the pipe next.
    left = 400_000
    while left:
        left -= len(os.read(pipe[0], LIMIT))
    assert concurrent.futures.wait([again], SOON_S).not_done == set()


def test_nobody_can_read_any_more() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    put = Printer(writer).put(b"x" * 100_000)
    assert put is not None
    assert concurrent.futures.wait([put], SOON_S).not_done == set()
    os.close(writer)
