"""A connection of a caller: HTTP/1.1 as uvicorn serves it, parsed by httptools, and stricter than both.

httptools is the parser of Node in C. Alone it takes trailers for headers, so that a caller could name a
trust domain behind its gateway's back; it has no limit for a head; it asks for no Host; it leaves out the
body of a request that asks for another protocol, which clients of Java do for each; and what it refuses,
uvicorn refuses at once, before requests that were sent earlier are answered. Nor has uvicorn a limit for
requests that are sent before others are answered.
"""

from __future__ import annotations

import fcntl
import heapq
import json
import math
import os
import resource
import sys
import termios
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, ClassVar

import httptools
from typing_extensions import override
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from groundhog._log import log
from groundhog.platforms.targets import decoded

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sized

    from uvicorn._types import ASGI3Application
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

STUCK_S = 60.0
"""How long callers may take for a request's head, or take nothing of an answer; up to twice as long."""
MOST_CONNECTIONS = 8192
"""At a time; each takes some memory."""
_SMALLEST_READ, _LARGEST_READ = 1024, 64 * 1024
_HANDLED_S = 0.005
"""What is read at once is to be handled within this time."""
_FEWEST_CONNECTIONS = 32
"""So many callers are served also where workers need nearly all descriptors."""
_KEPT_FREE = 128
"""Descriptors that callers do not get, or a quarter of few: restores and new processes need some."""
_MOST_UNTAKEN = 1024 * 1024 * 1024
"""Bytes of answers that callers have not taken, of all together."""
_MOST_HEAD = 64 * 1024
"""Bytes of a request's head, or between two pieces of its body."""
_MOST_AHEAD = 16
"""Requests behind the one that is served; what comes then is not read before they are fewer."""


class _NoRequestError(Exception):
    """What is no request of HTTP/1.1, or one that is not served."""

    def __init__(self, why: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(why)
        self.status = status


class _Flow(FlowControl):
    """Reads nothing while enough is there. Each answer lets another read be done, of many requests."""

    def __init__(self, transport: asyncio.Transport, pipeline: Sized) -> None:
        super().__init__(transport)
        self._pipeline = pipeline

    @override
    def resume_reading(self) -> None:
        if len(self._pipeline) < _MOST_AHEAD:
            super().resume_reading()


class Connection(HttpToolsProtocol):
    """Reads as much at a time as is soon handled; others wait as long. Waits for no caller without an end.

    Asyncio reads 256 KB at once. In chunks of one byte that is some 40,000 events to handle. A caller that
    takes nothing of its answer keeps us from using the memory again, one that never ends the head of a
    request a descriptor. Where callers had them all, each restore would fail, and no process would start.
    """

    _seen: tuple[object, bool, int] = (None, True, 0)
    """At the last look: the request, whether it was answered, and how much of that was not taken."""
    _told_at: ClassVar[float] = -math.inf
    """When the log was told last that callers are too many."""
    _running: RequestResponseCycle | None = None
    """The exchange whose answer comes next; `cycle` is the one whose request was read last."""
    _is_in_head = False
    _unfinished = 0
    """Bytes read since something of a request was whole."""
    _is_deaf = False
    """What comes next is no request."""
    _refusal: bytes | None = None
    """The last answer, once all before it are written."""
    _framing: bytes | None = None
    """The header that says how long the body is of a request that asks for another protocol."""
    _unparsed: bytes | None = None
    """What came behind its head."""
    _read_from = b""
    """What was read last."""
    _is_again = False
    """The parser is told of a head that is known."""
    _keeps = False
    """Whether the connection is kept after a request that announced its body."""

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.flow = _Flow(transport, self.pipeline)
        self.idle_since = self.loop.time()
        self._read(_SMALLEST_READ)
        self._looking = self.loop.call_later(STUCK_S, self._look)
        if not self._is_heard():
            transport.abort()
            return
        number = transport.get_extra_info("socket").fileno()
        too_many = _connections_too_many(len(self.connections), number)
        if too_many > 0:
            self._make_room(too_many)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._looking.cancel()
        for cycle in (self._running, *(cycle for cycle, _ in self.pipeline)):
            if cycle is not None and not cycle.response_complete:
                cycle.disconnected = True
                cycle.message_event.set()
        self.pipeline.clear()
        super().connection_lost(exc)

    @override
    def data_received(self, data: bytes) -> None:
        if self._is_deaf:
            return
        began = time.perf_counter()
        self.idle_since = self.loop.time()
        self._unfinished += len(data)
        self._read_from = data
        super().data_received(data)
        if self._unparsed is not None:
            self._parse_body(self._unparsed)
        if self._unfinished > _MOST_HEAD and not self._is_deaf:
            status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            self._refuse(status, f"its head is longer than {_MOST_HEAD >> 10} KiB")
        if time.perf_counter() - began > _HANDLED_S:
            self._read(_SMALLEST_READ)
        elif len(data) == self._most:
            self._read(min(2 * self._most, _LARGEST_READ))

    def _parse_body(self, begin: bytes) -> None:
        """Have the body of a request that asks for another protocol read, which the parser takes for that."""
        assert self._framing is not None  # noqa: S101 - else nothing is kept
        head = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%b\r\n\r\n" % self._framing
        self._framing = self._unparsed = None
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._is_again = True
        self.parser.feed_data(head)
        self._is_again = False
        super().data_received(begin)

    @override
    def on_url(self, url: bytes) -> None:
        if not self._is_again:
            super().on_url(url)

    @override
    def on_message_begin(self) -> None:
        if self._is_again:
            return
        super().on_message_begin()
        self._is_in_head = True

    @override
    def on_header(self, name: bytes, value: bytes) -> None:
        if self._is_in_head:  # no trailer
            super().on_header(name, value.strip(b" \t"))

    @override
    def on_headers_complete(self) -> None:
        if self._is_again:
            return
        self._is_in_head, self._unfinished = False, 0
        self._check_head()
        # Not as httptools takes it apart, which refuses some targets that a server has to know.
        raw_path, _, query = self.url.partition(b"?")
        self.url = b"/"
        super().on_headers_complete()
        self.scope.update({"path": decoded(raw_path), "raw_path": raw_path, "query_string": query})
        if self.parser.should_upgrade():
            # What follows the body is of another protocol, which is not spoken here.
            self.cycle.keep_alive = False
            if self.parser.get_method() != b"CONNECT":  # it has none: RFC 9110, section 9.3.6
                framing = (b"transfer-encoding", b"content-length")
                self._framing = next((b"%b: %b" % each for each in self.headers if each[0] in framing), None)
        elif self.expect_100_continue:
            # Who is answered before may leave the body out: what comes then would be taken for it.
            self._keeps, self.cycle.keep_alive = self.cycle.keep_alive, False

    def _check_head(self) -> None:
        names = [name for name, _ in self.headers]
        version = self.parser.get_http_version()
        if version not in ("1.0", "1.1"):
            raise _NoRequestError(f"its version is HTTP/{version}")
        hosts = names.count(b"host")
        if hosts > 1 or (not hosts and version == "1.1"):
            raise _NoRequestError(f"it has {hosts or 'no'} Host headers")
        encodings = [value.lower() for name, value in self.headers if name == b"transfer-encoding"]
        if encodings and version == "1.0":
            # Whoever passed it on may have taken it for one without a body: RFC 9112, section 6.1.
            raise _NoRequestError("it is of HTTP/1.0, and has a Transfer-Encoding")
        if encodings not in ([], [b"chunked"]):
            raise _NoRequestError("only chunked is known as Transfer-Encoding", HTTPStatus.NOT_IMPLEMENTED)

    def on_chunk_header(self) -> None:
        """The parser has read how long a piece of the body is."""
        self._unfinished = 0

    @override
    def on_body(self, body: bytes) -> None:
        self._unfinished = 0
        super().on_body(body)

    @override
    def on_message_complete(self) -> None:
        self._unfinished = 0
        if self._framing is not None:
            return
        if self._keeps and not self.cycle.response_started:
            self.cycle.keep_alive = True
        self._keeps = False
        super().on_message_complete()
        self.cycle.more_body = False  # also where nobody wants it any more

    @override
    def shutdown(self) -> None:
        self._keeps = False
        super().shutdown()

    @override
    def _unsupported_upgrade_warning(self) -> None:
        if self._framing is None:
            self._is_deaf = True
            return
        error = sys.exc_info()[1]
        assert error is not None  # noqa: S101 - the parser's, which says where it stopped
        self._unparsed = self._read_from[error.args[0] :]

    @override
    def send_400_response(self, msg: str) -> None:
        """Refuse what is no request, as JSON, like every other error. Uvicorn does it with a line of text."""
        error = sys.exc_info()[1]
        ours = error.__context__ if error is not None else None
        if isinstance(ours, _NoRequestError):
            self._refuse(ours.status, str(ours))
        else:
            self._refuse(HTTPStatus.BAD_REQUEST, str(error or msg))

    def _refuse(self, status: HTTPStatus, why: str) -> None:
        self._is_deaf = True
        body = json.dumps({"error": f"this is no request of HTTP/1.1: {why}"}).encode()
        head = (
            f"HTTP/1.1 {status} {status.phrase}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self._refusal = head.encode() + body
        broken = self.cycle
        if broken is not None and broken.more_body and broken.response_complete:  # type: ignore[redundant-expr]
            # A second answer would be taken for that of the next request.
            self.transport.close()
            return
        if broken is not None and broken.more_body:  # type: ignore[redundant-expr]
            if self.pipeline and self.pipeline[0][0] is broken:
                self.pipeline.popleft()
            else:
                broken.disconnected = True
                broken.message_event.set()
                if broken.response_started:
                    self.transport.abort()
                    return
                self._running = None
        self._end_refused()

    def _end_refused(self) -> None:
        """Say that there was no request, if all that there were are answered."""
        is_answered = self._running is None or self._running.response_complete
        if self._refusal is not None and is_answered and not self.transport.is_closing():
            self.transport.write(self._refusal)
            self.transport.close()

    @override
    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    @override
    def on_response_complete(self) -> None:
        self.idle_since = self.loop.time()
        super().on_response_complete()
        self._end_refused()

    def _is_heard(self) -> bool:
        """Whether the kernel tells when the caller sends something. A function may have taken all watches of
        its user (epoll(7)); asyncio would log a traceback, and the caller wait for nothing, for minutes.
        """
        self.transport.pause_reading()
        try:
            self.transport.resume_reading()
        except OSError as error:
            self._tell("callers are turned away: nothing can be heard of them", error=error.strerror)
            return False
        return True

    def _tell(self, what: str, **more: object) -> None:
        """Log that callers are ended, but not for each."""
        if self.loop.time() - Connection._told_at > STUCK_S:
            Connection._told_at = self.loop.time()
            log.warning(what, **more)

    def _make_room(self, count: int) -> None:
        """End connections whose callers have sent nothing for longest, of those that owe something; then of
        those that do not take their answers; if all others wait for us, this one.
        """
        others = [each for each in self.connections if isinstance(each, Connection) and each is not self]
        owing = [each for each in others if each.owes() or each.holds()]
        for each in heapq.nsmallest(count, owing, key=Connection._standing) or [self]:
            each.transport.abort()
        self._tell(
            "callers have too many connections: those that have sent nothing for longest are ended",
            connections=len(self.connections),
        )

    def owes(self) -> bool:
        """Whether it is the caller's turn: to send a request, or the rest of one."""
        if self.transport.is_closing():
            return False
        if self.cycle is None or self.cycle.more_body:  # type: ignore[redundant-expr]
            return True
        return self.cycle.response_complete and not self.transport.get_write_buffer_size()

    def _standing(self) -> tuple[bool, float]:
        return not self.owes(), self.idle_since

    def holds(self) -> bool:
        """Whether it keeps something of an answer, also of the last one, for its caller to take."""
        return self.transport.get_write_buffer_size() > 0

    @override
    def pause_writing(self) -> None:
        """The caller takes its answer slowly. Those who do so for longest give way where that is too much."""
        super().pause_writing()
        slow = [each for each in self.connections if isinstance(each, Connection) and each is not self]
        left = {each: size for each in slow if (size := each.transport.get_write_buffer_size())}
        too_much = sum(left.values()) + self.transport.get_write_buffer_size() - _MOST_UNTAKEN
        for each in sorted(left, key=lambda each: each.idle_since):
            if too_much <= 0:
                break
            too_much -= left[each]
            each.transport.abort()

    def _look(self) -> None:
        """End the connection if nothing has changed since the last look, and it is the caller's turn."""
        before = self._seen
        # There is none before the first request.
        answered = self.cycle is None or self.cycle.response_complete  # type: ignore[redundant-expr]
        left = self._untaken()
        self._seen = self.cycle, answered, left
        # The answer to a request that was sent behind others waits until those before it are taken.
        is_theirs = answered or self.flow.write_paused
        # Left of an answer that was not written at the last look: that is no sign.
        if is_theirs and before[:2] == self._seen[:2] and (0 < before[2] <= left or left == before[2]):
            self.transport.abort()
        else:
            self._looking = self.loop.call_later(STUCK_S, self._look)

    def _untaken(self) -> int:
        """Bytes, those among them that the kernel has, which takes many at a time: tcp(7), SIOCOUTQ."""
        queued = fcntl.ioctl(self.transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, bytes(4))
        return self.transport.get_write_buffer_size() + int.from_bytes(queued, sys.byteorder)

    def _read(self, most: int) -> None:
        self._most = most
        # What asyncio's own transports give to recv(2); others leave it aside.
        self.transport.max_size = most  # type: ignore[attr-defined]


def _connections_too_many(count: int, number: int) -> int:
    """How many of so many connections are to end, of which the newest has the descriptor with that number.

    Nobody looks while neither tells of many descriptors: a new one gets the lowest number that is free.
    """
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    too_many = count - MOST_CONNECTIONS
    if most == resource.RLIM_INFINITY or (number < most // 2 and count < most // 4):
        return too_many
    try:
        taken = sum(1 for _ in os.scandir("/proc/self/fd"))
    except OSError:  # none is left to look by
        taken = most
    return max(too_many, min(taken - (most - min(_KEPT_FREE, most // 4)), count - _FEWEST_CONNECTIONS))
