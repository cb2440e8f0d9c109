"""What is printed comes in order, and nobody waits for whoever reads it."""

from __future__ import annotations

import concurrent.futures
import errno
import os
from typing import TYPE_CHECKING

import pytest

from groundhog.platforms.printer import Printer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LIMIT = 1_000_000
SOON_S = 20


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    yield reader, writer
    os.close(reader)
    os.close(writer)


def put(printer: Printer, data: bytes, end: bytes = b"") -> concurrent.futures.Future[OSError | None]:
    """What is done once all of it is written, or lost."""
    done = printer.put(data, end)
    assert done is not None
    return done


def test_what_finds_room_is_written_at_once(pipe: tuple[int, int]) -> None:
    assert put(Printer(pipe[1]), b"short").done()
    assert os.read(pipe[0], 100) == b"short"


def read(reader: int, count: int) -> bytes:
    """To its end: a writer that goes on would write to whatever gets the number of the pipe next."""
    found = b""
    while len(found) < count:
        found += os.read(reader, LIMIT)
    return found


def test_nobody_reads(pipe: tuple[int, int]) -> None:
    printer = Printer(pipe[1], LIMIT)
    large = [b"a" * 400_000, b"b" * 400_000]
    waiting = [put(printer, data, b"end\n") for data in large]
    waiting.append(put(printer, b"c" * 400_000, b"of c\n"))
    assert printer.put(b"x" * 400_000) is None, "it is lost, and whoever printed it learns that"
    waiting.append(put(printer, b"d", b"end\n"))
    assert not any(done.done() for done in waiting)
    # There was no room for the third, but whoever reads still learns where it would have been.
    expected = large[0] + b"end\n" + large[1] + b"end\n" + b"of c\n" + b"dend\n"
    assert read(pipe[0], len(expected)) == expected
    assert concurrent.futures.wait(waiting, SOON_S).not_done == set()
    again = put(printer, b"e" * 400_000)
    assert read(pipe[0], 400_000) == b"e" * 400_000, "there is room again"
    assert concurrent.futures.wait([again], SOON_S).not_done == set()


def test_nobody_reads_a_terminal() -> None:
    """As one that was stopped by Ctrl-S, or that of a container which nobody looks at."""
    reader, terminal = os.openpty()
    printer = Printer(terminal, LIMIT)
    with concurrent.futures.ThreadPoolExecutor() as threads:
        putting = threads.submit(lambda: [put(printer, b"a" * 3000 + b"\n") for _ in range(100)])
        waits = bool(concurrent.futures.wait([putting], SOON_S).not_done)
        os.close(reader)  # whoever writes gets an error now
    assert concurrent.futures.wait(putting.result(), SOON_S).not_done == set()
    os.close(terminal)
    assert not waits


def test_writing_that_does_not_wait(pipe: tuple[int, int]) -> None:
    """Somebody who has the same open file may have set it so."""
    os.set_blocking(pipe[1], False)
    waiting = put(Printer(pipe[1]), b"a" * 400_000, b"end\n")
    assert read(pipe[0], 400_004) == b"a" * 400_000 + b"end\n"
    assert concurrent.futures.wait([waiting], SOON_S).not_done == set()


@pytest.mark.parametrize("room", [0, 2, 4, 6, 8])
def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    """What is printed is lost, but not where it ends."""
    write = os.write

    def write_while_there_is_room(fd: int, data: memoryview) -> int:
        count = min(len(data), room - os.fstat(fd).st_size)
        if not count:
            raise OSError(errno.ENOSPC, "no space left on device")
        return write(fd, data[:count])

    with (tmp_path / "log").open("wb", buffering=0) as file:
        printer = Printer(file.fileno())
        monkeypatch.setattr(os, "write", write_while_there_is_room)
        printer.put(b"one\n", b"end\n")
        printer.put(b"two\n", b"end\n")
        monkeypatch.undo()
        printer.put(b"three\n", b"end\n")
    lines = (tmp_path / "log").read_bytes().splitlines()
    assert [line for line in lines if line].count(b"end") == 3
    assert lines[-2:] == [b"three", b"end"]


def test_nobody_can_read_any_more() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    waiting = put(Printer(writer), b"x" * 100_000)
    assert concurrent.futures.wait([waiting], SOON_S).not_done == set()
    os.close(writer)
