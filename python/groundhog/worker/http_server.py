"""A server of HTTP as a function process: where it listens, and one connection for each request.

Nobody else may connect to it: what a stranger sends could be neither reverted nor answered with certainty,
and it would reach what a caller has left there. So the kernel takes connections from one address and port
only, which is bound by us for as long as the process lives (``admitted`` of `groundhog.Tracee`). Nor is a
request sent to anybody else, or while somebody else may wait for it: see `HttpServer._far_end`.
"""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import json
import os
import re
import socket
from typing import TYPE_CHECKING, Any

import h11

from groundhog._log import log
from groundhog._threads import started
from groundhog.errors import CutOffError, GroundhogError, PayloadTooLargeError, ProtocolError
from groundhog.protocols import http_message
from groundhog.sockets import ask, listeners, other_end
from groundhog.worker.callers import adopted, bound, family_of, of_same_port, quiet_port, renew
from groundhog.worker.channel import Answer
from groundhog.worker.engine import disconnect
from groundhog.worker.family import has_open
from groundhog.worker.job import ForwardedJob
from groundhog.worker.pipes import PrintingEnds
from groundhog.worker.quiescence import is_ending, sleeps

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Mapping, Sequence

    from groundhog.config import Limits
    from groundhog.errors import InvocationError
    from groundhog.sockets import End
    from groundhog.worker.channel import Owner
    from groundhog.worker.engine import Process
    from groundhog.worker.job import Job, Sink
    from groundhog.worker.output import Output
    from groundhog.worker.watchdog import Guard

_READ = 256 << 10
_READ_CHUNKED = 4 << 10
"""Of an answer in parts, which may be of one byte each: as much as is understood while others wait."""
_MOST_READS = 8
_LAST_READS = 64
_MOST_INFORMATIONAL = 100
_MOST_STATUS = 599
"""HTTP has no other: RFC 9110, section 15."""
_UNFIT = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
"""What the value of a header cannot have: RFC 9110, section 5.5. The parser lets some of it through, and who
is to send it to a caller does not.
"""
_LOOK_S = 0.005
"""Between looks at where a process listens that is starting: no event tells."""
_ELSEWHERE_S = 0.25
"""How long it has to listen at another port than it was told, to be taken to mean it."""
_LINGER_S = 0.1
"""How long it may take to end a connection after its answer, with what it does until then, such as to log."""
_GRACE_S = 0.5
"""Until a connection that ended without an answer counts as that, and not as the end of the process."""
_CONNECT_S = 1.0
"""The kernel connects at once; longer, and something that a request has left is in the way."""
_NEAR = ("127.0.0.1", "::1")
_SYN_SENT = 2
_CLOSE = 7
_PORT = "$PORT"
_DONE = b'{"ok":true}'
_SERVER_ERROR = 500


class HttpTransport(PrintingEnds):
    """A port to listen at, and the pipes for what is printed."""

    finishes = True

    def __init__(self) -> None:
        super().__init__()
        self._channel: HttpServer | None = None
        self._callers: dict[str, socket.socket] = {}
        """Ours, which keep the ports from which it is connected to, by their addresses."""
        try:
            self._port = quiet_port("127.0.0.1")
            for near in _NEAR:
                self._callers[near] = bound(near)
        except OSError as error:
            if not self._callers:
                self.close()
                raise
            log.debug("no server can listen there", address=near, error=str(error))

    @property
    def env(self) -> Mapping[str, str]:
        """Where it is to listen."""
        return {"PORT": str(self._port)}

    def command(self, argv: Sequence[str]) -> list[str]:
        """The command, told where it is to listen."""
        return [word.replace(_PORT, str(self._port)) for word in argv]

    @property
    def spawn_options(self) -> dict[str, Any]:
        """What it is connected to here at its snapshot is a server of ours. To itself, only ours come."""
        admitted = [(near, sock.getsockname()[1]) for near, sock in self._callers.items()]
        return {"shut_own_connections": True, "admitted": admitted}

    def channel(
        self, loop: asyncio.AbstractEventLoop, owner: Owner, guard: Guard, process: Process, limits: Limits
    ) -> HttpServer:
        """Ask the process by connecting to it."""
        output = self._output(loop, guard, limits.log_bytes)
        asked, *callers = process.take_callers()[:3] or [-1]
        if callers:  # it has a network of its own
            self._close_callers()
            self._callers = {sock.getsockname()[0]: sock for sock in map(adopted, callers)}
        diag = socket.socket(fileno=asked) if callers else ask()
        self._channel = HttpServer(
            loop, owner, process, output, self._port, self._callers, diag, limits.result_bytes
        )
        self._channel.is_apart = bool(callers)
        return self._channel

    def waits(self, pid: int) -> bool:
        """Whether all of its threads sleep, as whoever waits does."""
        return sleeps(pid)

    def close(self) -> None:
        """Close everything; safe to call twice."""
        if self._channel is not None:
            self._channel.close()
        self._close_callers()
        super().close()

    def _close_callers(self) -> None:
        while self._callers:
            self._callers.popitem()[1].close()


class HttpServer:
    """The channel: see `groundhog.worker.channel.Channel`."""

    freshens = False
    marks_raised = False

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        owner: Owner,
        process: Process,
        output: Output,
        port: int,
        callers: Mapping[str, socket.socket],
        diag: socket.socket,
        most_body: int,
    ) -> None:
        self._loop = loop
        self._owner = owner
        self._process = process
        self._output = output
        self._port = port
        self._callers = callers
        self._most_body = most_body
        self._address: tuple[str, int] | None = None
        """Where it listens."""
        self._listeners: set[int] = set()
        """Its own, by their inodes, which no other socket has as long as they are open."""
        self._elsewhere: list[tuple[str, int]] = []
        self._elsewhere_since = 0.0
        self._caller: socket.socket | None = None
        """What keeps our end's port."""
        self._sock: socket.socket | None = None
        """Our end of a request's connection."""
        self._diag = diag
        self.is_apart = False
        """It has a network of its own, where nobody else is."""
        self._connected = False
        self._reading = self._writing = False
        """The loop watches it for that. To ask it for more than once costs it an error each."""
        self._ended = False
        """The process has ended the connection."""
        self._owed = ""
        """What the owner waits for: "load", "answer" or "finish"."""
        self._timer: asyncio.TimerHandle | None = None
        self._parser = http_message.parser()
        self._unsent = memoryview(b"")
        self._sink: Sink | None = None
        self._status = 0
        self._headers: http_message.Headers = ()
        self._body = bytearray()
        self._received = 0
        self._informed = 0
        self._is_plain = False

    # What the worker asks

    @property
    def cut_short(self) -> bool:
        """Whether it answered though it had not taken all of the request."""
        return bool(self._unsent)

    def listen(self) -> None:
        """Collect what it prints."""
        self._output.listen()

    def expect(self) -> None:
        """That it listens is owed."""
        self._owed = "load"
        self._timer = self._loop.call_later(0, self._look)  # whoever asks waits only from then on

    def cancel(self) -> None:
        """Nothing is owed any more."""
        self._owed = ""
        self._stop_timer()

    def serve(self, job: Job, *, hooks: bool = False) -> None:
        """Send a request on a connection of its own."""
        del hooks  # it has none
        self._release()
        self._output.collecting = True
        self._owed = "answer"
        if isinstance(job, ForwardedJob):
            self._sink, self._parser, sent = job.sink, job.parser, job.sent
        else:
            self._sink, self._parser = None, http_message.parser()
            sent = http_message.Request.of_json(json.loads(job.value)).encode(self._parser)
        self._status, self._headers, self._received = 0, (), 0
        self._informed = 0
        self._is_plain = False
        self._body.clear()
        self._unsent = memoryview(sent)
        self._connect()

    def run_hooks(self) -> None:
        """It has none."""
        self._owner.on_answer(_DONE)

    def finish(self) -> None:
        """Let it end the connection, before which it may have something to do."""
        if not self._connected or self._ended:
            self._finished()
            return
        self._owed = "finish"
        self._timer = self._loop.call_later(_LINGER_S, self._finished)

    def reverting(self) -> None:
        """End the connection: the process will not know of it any more."""
        self._release()

    def reverted(self) -> None:
        """A restore changes nothing of ours. But what is left of a connection would get in the way of the
        next one, which is between the same addresses.
        """
        try:
            left = self._far_end()
        except OSError as error:
            raise ProtocolError(f"nobody tells whether its connections have ended: {error}") from None
        if left is not None:
            raise ProtocolError("a connection that it had for a request has not ended")
        if self.is_apart and self._caller is not None:
            try:
                renew(self._caller)
            except OSError as error:
                raise ProtocolError(f"what its connections left cannot be forgotten: {error}") from None

    def answer(self, line: bytes) -> Answer:
        """What it answered, as JSON; of what was passed on, the status."""
        return Answer(line, self._status >= _SERVER_ERROR, lambda _: False, json.loads)

    def take_logs(self) -> tuple[str, str]:
        """What has been printed until now."""
        return self._output.take()

    def hold_logs(self) -> None:
        """Keep what has been printed until now for the next request."""
        self._output.hold()

    def read_answer(self) -> None:
        """Read what a process that has ended left."""
        for _ in range(_LAST_READS):
            if self._owed != "answer" or not self._connected or self._ended:
                return
            self._on_readable()

    def discard(self) -> int:
        """Drop what it printed; what it sent went with the connection."""
        self._output.drop()
        return 0

    def stop(self) -> None:
        """Watch nothing any more."""
        self._owed = ""
        self._stop_timer()
        self._unwatch()
        self._output.stop()

    def close(self) -> None:
        """Ask nobody any more; safe to call twice."""
        self._diag.close()
        if self._sock is not None:
            self._sock.close()

    # While it loads

    def _look(self) -> None:
        """See whether it listens, by a thread for which nobody waits in the end: whoever closes a socket last
        waits as long as that lingers, and may be who looks at it.
        """

        def look() -> None:
            found: list[tuple[str, int]] | Exception
            try:
                found = self._process.listeners()
            except (OSError, GroundhogError) as error:
                found = error
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._on_seen, found)

        if started(look, "groundhog-look") is None:
            self._timer = self._loop.call_later(_LOOK_S, self._look)

    def _on_seen(self, found: list[tuple[str, int]] | Exception) -> None:
        if self._owed != "load":
            return
        try:
            if isinstance(found, Exception):
                raise found
            self._address = self._chosen(found)
            if self._address is not None:
                near = _near(self._address[0])
                if near not in self._callers:
                    raise ProtocolError(f"it listens at {self._address[0]}, and this machine has no {near}")
                self._caller = self._callers[near]
                if not self.is_apart:
                    self._check_guard(near)
        except (OSError, GroundhogError) as error:
            self._break(ProtocolError(f"the server cannot be asked by connecting to it: {error}"))
            return
        if self._address is None:
            self._timer = self._loop.call_later(_LOOK_S, self._look)
        else:
            self._tell(_DONE)

    def _check_guard(self, near: str) -> None:
        """See a stranger stay out, which the kernel decides before it returns. ProtocolError if not.
        OSError where our own end cannot be made.
        """
        assert self._caller is not None  # noqa: S101
        of_same_port(self._caller).close()
        with socket.socket(family_of(near)) as stranger:
            stranger.bind((near, 0))
            stranger.setblocking(False)
            if stranger.connect_ex(self._target()) != errno.EINPROGRESS:
                raise ProtocolError("the kernel does not keep others from connecting to it")

    def _target(self) -> tuple[str, int]:
        assert self._address is not None  # noqa: S101 - it has loaded
        host, port = self._address
        return (_near(host) if _is_any(host) else host), port

    def _chosen(self, found: list[tuple[str, int]]) -> tuple[str, int] | None:
        """Where to connect to; None until that is clear."""
        for host, port in found:
            if port == self._port:
                return host, port
        if found != self._elsewhere:
            self._elsewhere, self._elsewhere_since = found, self._loop.time()
        if not found or self._loop.time() - self._elsewhere_since < _ELSEWHERE_S:
            return None
        if len(found) > 1:
            ports = ", ".join(str(port) for _, port in found)
            raise ProtocolError(f"it listens at ports {ports}, and not at {self._port}, which is in PORT")
        return found[0]

    # A request

    def _connect(self) -> None:
        assert self._caller is not None  # noqa: S101 - it has loaded
        try:
            # Only who is in a network makes sockets there; a copy, which is closed like the others.
            sock = self._sock = self._caller.dup() if self.is_apart else of_same_port(self._caller)
            failed = sock.connect_ex(self._target())
        except OSError as error:
            self._break(CutOffError(f"a request was not sent: {error.strerror}"))
            return
        if failed not in {0, errno.EINPROGRESS}:
            self._break(ProtocolError(f"it takes no connections any more: {os.strerror(failed)}"))
            return
        self._connected, self._ended = True, False
        try:
            if _is_connecting(sock):
                self._loop.add_writer(sock.fileno(), self._on_connected)
                self._writing = True
                self._timer = self._loop.call_later(_CONNECT_S, self._on_not_connected)
            else:
                self._on_connected()
        except OSError as error:  # a function may have taken all watches of its user: epoll(7)
            self._break(CutOffError(f"a request could not be sent whole: {error.strerror}"))

    def _on_connected(self) -> None:
        assert self._sock is not None  # noqa: S101
        self._stop_timer()
        try:
            if not self._is_its_own(self._far_end()):
                self._break(CutOffError("a request was not sent: somebody else has answered at its port"))
                return
            self._loop.add_reader(self._sock.fileno(), self._on_readable)
            self._reading = True
            self._stop_writing()
            self._send()
        except OSError as error:
            self._break(CutOffError(f"a request could not be sent whole: {error.strerror}"))

    def _on_not_connected(self) -> None:
        self._break(CutOffError("a request was not sent: nobody takes a connection any more"))

    def _far_end(self) -> End | None:
        """What is at the function's end of the connection, whoever has it."""
        assert self._caller is not None  # noqa: S101 - it has loaded
        return other_end(self._caller.getsockname()[:2], self._target(), self._diag)

    def _is_its_own(self, end: End | None) -> bool:
        if end is None:
            return self._has_ended()
        if end.inode:
            return has_open(self._process.pid, end.inode)
        # What nobody has waits to be accepted, by whoever listens there: of its own user's, others may, too
        # (SO_REUSEPORT), now or when it has been sent something.
        assert self._diag is not None  # noqa: S101 - it has loaded
        for inode in listeners(self._target(), self._diag):
            if inode not in self._listeners:
                if not has_open(self._process.pid, inode):
                    return False
                self._listeners.add(inode)
        end = self._far_end()
        if end is None:
            return self._has_ended()
        return not end.inode or has_open(self._process.pid, end.inode)

    def _has_ended(self) -> bool:
        """Else nobody can be seen at the other end of a connection that there is."""
        assert self._sock is not None  # noqa: S101
        return _state(self._sock) == _CLOSE

    def _send(self) -> None:
        assert self._sock is not None  # noqa: S101
        try:
            sent = self._sock.send(self._unsent)
        except BlockingIOError:
            sent = 0
        except OSError:  # that the connection has ended is seen by who reads, after what came before
            self._stop_writing()
            return
        self._unsent = self._unsent[sent:]
        if not self._unsent:
            self._stop_writing()
        elif not self._writing:
            self._loop.add_writer(self._sock.fileno(), self._send)
            self._writing = True

    def _on_readable(self) -> None:
        assert self._sock is not None  # noqa: S101
        size = _READ_CHUNKED if self._is_in_parts else _READ
        for _ in range(1 if self._is_in_parts else _MOST_READS):
            try:
                data = self._sock.recv(size)
            except BlockingIOError:
                return
            except OSError:  # it was reset, by who had more to say or to read, perhaps
                self._on_end()
                return
            if self._owed == "answer" and (data or not is_ending(self._process.pid)):
                self._take(data)
            if not data:
                self._on_end()
                return
            if not self._connected or len(data) < size or self._is_in_parts:
                return

    @property
    def _is_in_parts(self) -> bool:
        """What comes is a head, or chunks, of which each takes its time."""
        return self._owed == "answer" and not self._is_plain

    def _on_end(self) -> None:
        self._ended = True
        self._unwatch()
        if self._owed == "finish":
            self._finished()
        elif self._owed == "answer":
            self._timer = self._loop.call_later(_GRACE_S, self._on_no_answer)

    def _on_no_answer(self) -> None:
        self._break(
            ProtocolError(
                f"function process {self._process.pid} ended the connection before it had answered whole"
            )
        )

    def _take(self, data: bytes) -> None:
        """Take what came; nothing: that the process has ended the connection, which may be how it says that
        an answer is whole. It does not say so by its own end, nor by a reset.
        """
        try:
            self._parser.receive_data(data)
            self._parse()
        except h11.RemoteProtocolError as error:
            if data:  # else that it ended is what is wrong, and the process may have
                pid = self._process.pid
                self._break(ProtocolError(f"function process {pid} does not answer by HTTP: {error}"))

    def _parse(self) -> None:
        """Pass on what has come, small parts as one."""
        joined = bytearray()
        while self._owed == "answer":
            event = self._parser.next_event()
            if isinstance(event, h11.Data):
                joined += event.data
                continue
            if joined:
                self._on_data(bytes(joined))
                joined.clear()
            if event is h11.NEED_DATA or event is h11.PAUSED or isinstance(event, h11.ConnectionClosed):
                return
            if self._owed == "answer":
                self._on_event(event)

    def _on_event(self, event: Any) -> None:
        if isinstance(event, h11.Response):
            if event.status_code > _MOST_STATUS:
                pid, status = self._process.pid, event.status_code
                self._break(ProtocolError(f"function process {pid} answers with a status of {status}"))
                return
            unfit = next((name for name, value in event.headers if _UNFIT.search(value)), None)
            if unfit is not None:
                what = (
                    f"answers with a character in its header {unfit.decode()} that HTTP does not have there"
                )
                self._break(ProtocolError(f"function process {self._process.pid} {what}"))
                return
            self._status = event.status_code
            self._is_plain = all(name != b"transfer-encoding" for name, _ in event.headers)
            self._headers = http_message.passed_on(event.headers)
            if self._sink is not None:
                self._sink.head(self._status, self._headers)
        elif isinstance(event, h11.InformationalResponse):
            self._informed += 1
            if self._informed > _MOST_INFORMATIONAL:
                pid = self._process.pid
                self._break(ProtocolError(f"function process {pid} does not come to its answer"))
        elif isinstance(event, h11.EndOfMessage):
            self._tell(self._told())

    def _on_data(self, data: bytes) -> None:
        self._received += len(data)
        if self._received > self._most_body:
            what = f"the function's answer is longer than the limit of {self._most_body} bytes"
            self._break(PayloadTooLargeError(what))
        elif self._sink is not None:
            self._sink.data(data)
        else:
            self._body += data

    def _told(self) -> bytes:
        if self._sink is not None:
            self._sink = None
            return b'{"status":%d}' % self._status
        body = bytes(self._body)
        self._body.clear()
        return json.dumps(http_message.answer(self._status, self._headers, body)).encode()

    # The rest

    def _finished(self) -> None:
        self._stop_timer()
        self._release()
        self._tell(_DONE)

    def _tell(self, line: bytes) -> None:
        """The owner gets what it waits for."""
        self._owed = ""
        self._owner.on_answer(line)

    def _break(self, error: InvocationError) -> None:
        self._owed = ""
        self._stop_timer()
        self._unwatch()
        self._owner.on_broken(error)

    def _release(self) -> None:
        """End the connection, if there is one, and leave no trace of it in the kernel."""
        self._stop_timer()
        self._unwatch()
        self._unsent = memoryview(b"")
        if self._sock is None:
            return
        try:
            if self._connected:
                disconnect(self._sock.fileno())
        finally:
            self._connected = False
            self._sock.close()
            self._sock = None

    def _unwatch(self) -> None:
        if self._sock is not None and self._reading:
            self._reading = False
            self._loop.remove_reader(self._sock.fileno())
        self._stop_writing()

    def _stop_writing(self) -> None:
        if self._sock is not None and self._writing:
            self._writing = False
            self._loop.remove_writer(self._sock.fileno())

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _near(host: str) -> str:
    """From where to connect to a server that listens there."""
    return "127.0.0.1" if ipaddress.ip_address(host).version == 4 else "::1"  # noqa: PLR2004


def _is_connecting(sock: socket.socket) -> bool:
    return _state(sock) == _SYN_SENT


def _state(sock: socket.socket) -> int:
    return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]


def _is_any(host: str) -> bool:
    return ipaddress.ip_address(host).is_unspecified
