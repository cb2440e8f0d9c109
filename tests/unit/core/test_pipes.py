"""The pipes of a function process: any size, in any order, without deadlock."""

from __future__ import annotations

import asyncio
import fcntl
import os
import threading
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from groundhog.errors import HookError, PayloadTooLargeError, ProtocolError
from groundhog.protocols.actionloop import AnswerDecoder
from groundhog.worker import pipes as pipes_module
from groundhog.worker.output import LogBuffer
from groundhog.worker.pipes import ANSWER, STDERR, STDIN, STDOUT, Channel, Pipes
from groundhog.worker.watchdog import Watchdog
from tests.unit.core.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    Pieces = Callable[[Callable[[bytes], object]], int]

MIB = 1 << 20
pytestmark = pytest.mark.usefixtures("no_leaks")


class Fixture:
    def __init__(self) -> None:
        self.pipes = Pipes()
        self.told = Recorder()
        self.channel = Channel(
            asyncio.get_running_loop(),
            self.pipes,
            self.told,
            Watchdog().guard(1, pytest.fail),
            result_bytes=64 * MIB,
            log_bytes=100,
        )
        self.channel.listen()

    def child(self, number: int) -> int:
        return self.pipes.child_fds[number]


@pytest.fixture
async def it() -> AsyncIterator[Fixture]:
    fixture = Fixture()
    yield fixture
    fixture.channel.stop()
    fixture.pipes.close()


def read_line(fd: int) -> bytes:
    chunks: list[bytes] = []
    while not chunks or not chunks[-1].endswith(b"\n"):
        chunks.append(os.read(fd, MIB))
    return b"".join(chunks)


def write_all(fd: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]


async def test_a_request_and_its_answer(it: Fixture) -> None:
    it.channel.send(b"request\n")
    assert os.read(it.child(STDIN), 100) == b"request\n"
    os.write(it.child(ANSWER), b"ans")
    await asyncio.sleep(0)
    os.write(it.child(ANSWER), b"wer\n")
    assert await it.told.events.get() == ("answer", b"answer")


@pytest.mark.parametrize("first", [b" answer\n", b" "])
async def test_hooks_say_when_they_are_done(it: Fixture, first: bytes) -> None:
    it.channel.send(b"request\n", hooks=True)
    os.write(it.child(ANSWER), first)
    assert await it.told.events.get() == ("hooks done", None)
    if first == b" ":
        os.write(it.child(ANSWER), b"answer\n")
    assert await it.told.events.get() == ("answer", b"answer")
    it.channel.send(b"request\n")
    os.write(it.child(ANSWER), b" answer\n")
    assert await it.told.events.get() == ("answer", b" answer"), "white space of the function's"


async def test_a_hook_that_failed_is_no_answer(it: Fixture) -> None:
    it.channel.freshens = True
    it.channel.send(b"request\n", hooks=True)
    os.write(it.child(ANSWER), b'{"groundhog":"hook","error":"ValueError: of a name"}\n')
    what, error = await it.told.events.get()
    assert what == "broken"
    assert isinstance(error, HookError)
    assert str(error) == "a hook after the restore failed: ValueError: of a name"


async def test_the_process_has_blocking_ends_and_we_have_none(it: Fixture) -> None:
    assert [os.get_blocking(fd) for fd in it.pipes.child_fds.values()] == [True] * 4
    assert [os.get_blocking(fd) for fd in it.pipes.drain_fds] == [False] * 4
    assert not os.get_blocking(it.pipes.request)


async def test_no_end_is_inherited_by_accident(it: Fixture) -> None:
    for fd in [*it.pipes.child_fds.values(), *it.pipes.drain_fds, it.pipes.request]:
        assert not os.get_inheritable(fd)


@pytest.mark.parametrize("small_pipes", [False, True])
async def test_40_mib_both_ways_at_once(it: Fixture, *, small_pipes: bool) -> None:
    """The process answers while it still reads, and prints meanwhile: nobody waits for anybody."""
    if small_pipes:
        for fd in (it.pipes.request, it.pipes.answer):
            fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, 4096)
    size = 40 * MIB
    request = b"r" * size + b"\n"

    def serve() -> None:
        received = 0
        while received < len(request):
            data = os.read(it.child(STDIN), MIB)
            received += len(data)
            os.write(it.child(STDOUT), b"log\n")
            write_all(it.child(ANSWER), b"a" * (len(data) - (received == len(request))))
        write_all(it.child(ANSWER), b"\n")

    thread = threading.Thread(target=serve)
    thread.start()
    it.channel.send(request)
    kind, line = await it.told.events.get()
    await asyncio.to_thread(thread.join)
    assert kind == "answer"
    assert line == b"a" * size
    assert not it.channel.cut_short


async def test_an_answer_before_all_of_the_request_was_read(it: Fixture) -> None:
    it.channel.send(b"r" * (4 * MIB) + b"\n")
    os.write(it.child(ANSWER), b"{}\n")
    assert await it.told.events.get() == ("answer", b"{}")
    assert it.channel.cut_short
    it.channel.send(b"next\n")
    assert not it.channel.cut_short


async def test_what_is_printed_belongs_to_the_request(it: Fixture) -> None:
    it.channel.hold_logs()
    os.write(it.child(STDOUT), b"nobody's\n")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    it.channel.send(b"request\n")
    os.write(it.child(STDOUT), b"out\n")
    os.write(it.child(STDERR), b"err \xff\n")
    assert it.channel.take_logs() == ("out\n", "err \N{REPLACEMENT CHARACTER}\n")
    os.write(it.child(STDOUT), b"late\n")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert it.channel.take_logs() == ("", "")


async def test_a_process_that_prints_for_ever_keeps_nobody_waiting(it: Fixture) -> None:
    started, stop = threading.Event(), threading.Event()

    def flood() -> None:
        while not stop.is_set():
            os.write(it.child(STDOUT), b"x" * 4096)
            started.set()

    thread = threading.Thread(target=flood)
    thread.start()
    try:
        it.channel.send(b"request\n")
        started.wait()
        stdout, _ = it.channel.take_logs()
    finally:
        stop.set()
        while thread.is_alive():  # it may be in the middle of a write
            it.channel.discard()
            await asyncio.sleep(0)
    assert stdout.startswith("x" * 100 + "\n[groundhog: ")


async def test_more_than_one_line(it: Fixture) -> None:
    it.channel.send(b"request\n")
    os.write(it.child(ANSWER), b"{}\n{}\n")
    kind, error = await it.told.events.get()
    assert kind == "broken"
    assert isinstance(error, ProtocolError)


async def test_too_long_an_answer(it: Fixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(it.channel._decoder, "_limit", 10)
    it.channel.send(b"request\n")
    os.write(it.child(ANSWER), b"a" * 11)
    kind, error = await it.told.events.get()
    assert kind == "broken"
    assert isinstance(error, PayloadTooLargeError)


async def test_bytes_for_nobody(it: Fixture) -> None:
    os.write(it.child(ANSWER), b"{}\n")
    assert await it.told.events.get() == ("stray", b"{}\n")


async def test_the_end_is_told_once(it: Fixture) -> None:
    it.pipes.release_child_ends()
    assert await it.told.events.get() == ("end", None)
    await asyncio.sleep(0)
    assert it.told.events.empty()


async def test_a_request_that_nobody_reads_any_more_is_no_error_here(it: Fixture) -> None:
    it.pipes.release_child_ends()
    os.close(it.pipes._ours.pop(it.pipes._ours.index(it.pipes._undelivered)))
    it.channel.send(b"request\n")  # would raise BrokenPipeError
    assert await it.told.events.get() == ("end", None)


async def test_discarding_says_how_much_was_owed_to_nobody(it: Fixture) -> None:
    assert it.channel.discard() == 0
    os.write(it.child(ANSWER), b"late\n")
    os.write(it.child(STDOUT), b"late\n")
    assert it.channel.discard() == 5
    assert it.channel.take_logs() == ("", "")


async def test_what_a_dead_process_left_is_read(it: Fixture) -> None:
    it.channel.send(b"request\n")
    os.write(it.child(ANSWER), b"{}\n")
    it.channel.read_answer()
    assert it.told.events.get_nowait() == ("answer", b"{}")


async def test_large_pipes_are_not_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipes_module, "_LARGE_PIPE", 1 << 40)
    Pipes().close()


async def test_when_descriptors_run_out_none_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    made = iter([os.pipe, os.pipe])

    def pipe() -> tuple[int, int]:
        make = next(made, None)
        if make is None:
            raise OSError(24, "Too many open files")
        return make()

    monkeypatch.setattr(os, "pipe", pipe)
    with pytest.raises(OSError, match="Too many open files"):
        Pipes()


@pytest.fixture
def pieces() -> Iterator[Pieces]:
    """Hands over 100,000 bytes in pieces of two, and says how much memory was taken."""

    def hand(take: Callable[[bytes], object]) -> int:
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(50_000):
            take(bytes(2))
        return tracemalloc.get_traced_memory()[0] - before

    tracemalloc.start()
    yield hand
    tracemalloc.stop()


class TestLogBuffer:
    def test_within_the_limit(self) -> None:
        buffer = LogBuffer(10)
        buffer.add(b"01234")
        buffer.add(b"56789")
        assert buffer.take() == "0123456789"
        assert buffer.take() == ""

    def test_beyond_it(self) -> None:
        buffer = LogBuffer(10)
        buffer.add(b"0123456\n")
        buffer.add(b"8\nxx")
        buffer.add(b"yyy")
        assert buffer.take() == "0123456\n8\n[groundhog: 5 further bytes of output were dropped]\n"
        assert buffer.take() == ""

    def test_the_marker_has_its_own_line(self) -> None:
        buffer = LogBuffer(1)
        buffer.add(b"ab")
        assert buffer.take() == "a\n[groundhog: 1 further bytes of output were dropped]\n"

    def test_nothing_is_kept(self) -> None:
        buffer = LogBuffer(0)
        buffer.add(b"ab")
        assert buffer.take() == "[groundhog: 2 further bytes of output were dropped]\n"

    def test_what_comes_in_small_pieces_takes_little_more_than_its_size(self, pieces: Pieces) -> None:
        buffer = LogBuffer(100_000)
        assert pieces(buffer.add) < 200_000
        assert buffer.take() == "\0" * 100_000


def test_an_answer_in_small_pieces_takes_little_more_than_its_size(pieces: Pieces) -> None:
    decoder = AnswerDecoder(100_000)
    decoder.expect()
    assert pieces(decoder.feed) < 200_000
    assert decoder.feed(b"\n") == bytes(100_000)
