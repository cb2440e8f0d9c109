"""AWS Lambda's Runtime API, served to one function process: its listener, its connections, its events.

A restore reverts the client's end of the connection by which it waits, and this reverts ours: whatever was
read there, and by whatever connection the client asked last, the next event is the answer to the question
that the snapshot holds.

Nobody else may ask. The listener is on the loopback of this machine, where strangers and other functions are,
too: a connection is only taken from a process of the function, see `_is_family`.
"""

from __future__ import annotations

import array
import fcntl
import http
import json
import math
import os
import socket
import termios
import time
from typing import TYPE_CHECKING, Any

import h11

from groundhog._log import log
from groundhog.errors import CutOffError, HookError, InvalidRequestError, PayloadTooLargeError, ProtocolError
from groundhog.protocols import runtime_api
from groundhog.protocols.runtime_api import Call, Conversation, Phase, RefusedError
from groundhog.sockets import other_end
from groundhog.worker.channel import Answer
from groundhog.worker.family import has_open
from groundhog.worker.pipes import PrintingEnds
from groundhog.worker.quiescence import sleeps

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterable, Mapping

    from groundhog.config import Limits
    from groundhog.errors import InvocationError
    from groundhog.worker.channel import Owner
    from groundhog.worker.engine import Process
    from groundhog.worker.job import Job
    from groundhog.worker.output import Output
    from groundhog.worker.watchdog import Guard

_READ = 256 << 10
_BACKLOG = 16
_MOST_CONNECTIONS = 64
"""Of one client, which needs two; whoever opens more finds the newest closed."""
_MOST_HEAD = 64 << 10
_MOST_READS = 8
_MOST_EVENTS = 64
"""In a row, from one connection: others have their turn, too."""
_HANDLED_S = 0.005
"""What is handled in a row, of all connections, takes no longer: others have their turn, too."""
_MOST_UNHEARD = 16
"""Answers that wait until a client reads them."""
_TELLING_S = 60.0
"""Between events in the log about connections that were refused."""
_LOOK_S = 0.005
"""Between looks at whether the client's end has acknowledged what it got: it may put that off for 40 ms."""
_LOADED = b'{"ok":true}'
_LOADED_PARKED = b'{"ok":true,"hooks":true}'
_GO_ON = b"HTTP/1.1 100 Continue\r\n\r\n"
_ACCEPTED = b'{"status":"OK"}'
_REASONS = {status.value: f"{status.value} {status.phrase}".encode() for status in http.HTTPStatus}


class RuntimeApiTransport(PrintingEnds):
    """A listener, and the pipes for what is printed."""

    finishes = True

    def __init__(self) -> None:
        super().__init__()
        self._channel: RuntimeApi | None = None
        self._listener = socket.socket()
        try:
            self._listener.bind(("127.0.0.1", 0))
            self._listener.listen(_BACKLOG)
            self._listener.setblocking(False)
        except BaseException:
            self.close()
            raise

    @property
    def env(self) -> Mapping[str, str]:
        """Where the API is."""
        return {"AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self._port}"}

    @property
    def spawn_options(self) -> dict[str, Any]:
        """The connections to the API stay open, all others to this process are some to a server of ours."""
        return {"own_port": self._port}

    @property
    def _port(self) -> int:
        return int(self._listener.getsockname()[1])

    def channel(
        self, loop: asyncio.AbstractEventLoop, owner: Owner, guard: Guard, process: Process, limits: Limits
    ) -> RuntimeApi:
        """Serve the API to the process."""
        output = self._output(loop, guard, limits.log_bytes)
        most = min(limits.result_bytes, runtime_api.MOST_RESPONSE)
        self._channel = RuntimeApi(loop, self._listener, owner, process.pid, output, most)
        return self._channel

    def waits(self, pid: int) -> bool:
        """Whether it has asked for something, and all of its threads sleep, as whoever waits does."""
        return self._channel is not None and self._channel.is_asked and sleeps(pid)

    def close(self) -> None:
        """Close everything; safe to call twice."""
        self._listener.close()
        if self._channel is not None:
            self._channel.close()
        super().close()


class RuntimeApi:
    """The channel: see `groundhog.worker.channel.Channel`."""

    freshens = False
    marks_raised = False

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        listener: socket.socket,
        owner: Owner,
        pid: int,
        output: Output,
        most_response: int,
    ) -> None:
        self._loop = loop
        self._listener = listener
        self._owner = owner
        self._pid = pid
        self._output = output
        self._most_response = most_response
        self._conversation = Conversation()
        self._connections: list[_Connection] = []
        self._asked: _Connection | None = None
        """The connection by which the client waits."""
        self._held: tuple[_Connection, Phase] | None = None
        """By which it waited at the snapshot, and for what."""
        self._job: Job | None = None
        """What is to be delivered as soon as the client asks."""
        self._owed = ""
        """What the owner waits for, besides the answer to an event: "load", "hooks" or "finish"."""
        self._hooks_run = False
        self._raised = False
        self._broken = False
        self.is_silent = False
        """Nothing may be answered: nobody would find what is said while the engine compares descriptors."""
        self._looking: asyncio.TimerHandle | None = None
        self._refusals = 0
        self._silent_until = -math.inf
        """The log is told of no refusals before that."""
        self._worked_s = 0.0
        """Since others had their turn last, or less."""
        self._rest: asyncio.Handle | None = None
        """Nothing more is handled before that."""

    # What the worker asks

    @property
    def is_asked(self) -> bool:
        """Whether the client waits."""
        return self._asked is not None

    @property
    def cut_short(self) -> bool:
        """Whether it answered though it had not taken all of the event."""
        return any(connection.is_writing for connection in self._connections)

    def listen(self) -> None:
        """Accept the process's connections from now on."""
        self._loop.add_reader(self._listener, self._on_connection)
        self._output.listen()

    def expect(self) -> None:
        """Its first question is owed."""
        self._owed = "load"

    def cancel(self) -> None:
        """Nothing is owed any more."""
        self._owed = ""

    def serve(self, job: Job, *, hooks: bool = False) -> None:
        """Deliver an event, as soon as the client asks for it."""
        self.is_silent = False
        self._output.collecting = True
        self._job = job
        self._hooks_run = hooks
        self._go_on()

    def run_hooks(self) -> None:
        """Tell it that it was restored."""
        self.is_silent = False
        self._output.collecting = True
        self._owed = "hooks"
        self._go_on()

    def finish(self) -> None:
        """Wait for its next question."""
        self._owed = "finish"
        self._go_on()

    def reverting(self) -> None:
        """Say nothing more; what the client's end has not taken yet would come to it after its restore."""
        self.is_silent = True
        if self._held is not None and not self._held[0].is_taken():
            self._broken = True

    def reverted(self) -> None:
        """Be as at the snapshot, too. ProtocolError if the process wrote more than its question."""
        if self._held is None:
            raise ProtocolError(f"function process {self._pid} had not asked for an event at its snapshot")
        held, phase = self._held
        self._close_but(held)
        if self._broken or held not in self._connections or not held.revert():
            raise ProtocolError(
                f"function process {self._pid} wrote to the Runtime API after it had asked for its next"
                " event, or had not read all that came from there"
            )
        self._conversation.phase = phase
        self._asked = held
        self.is_silent = False

    def answer(self, line: bytes) -> Answer:
        """What the function answered: any JSON, or else text."""
        return Answer(line, self._raised, runtime_api.is_failed, runtime_api.parse_response)

    def take_logs(self) -> tuple[str, str]:
        """What has been printed until now."""
        return self._output.take()

    def hold_logs(self) -> None:
        """Keep what has been printed until now for the next request."""
        self._output.hold()

    def read_answer(self) -> None:
        """Read what a process that has ended left."""
        self._cancel_rest()
        for connection in self._connections.copy():
            connection.on_readable()

    def discard(self) -> int:
        """Drop what it printed; an answer that nobody asked for has been refused."""
        self._output.drop()
        return 0

    def stop(self) -> None:
        """Watch nothing any more."""
        if self._listener.fileno() >= 0:
            self._loop.remove_reader(self._listener)
        self._cancel_look()
        self._cancel_rest()
        for connection in self._connections:
            connection.stop()
        self._output.stop()

    def close(self) -> None:
        """Close all connections."""
        for connection in self._connections.copy():
            connection.close()

    # What its connections ask

    @property
    def rests(self) -> bool:
        """Whether others have their turn first."""
        return self._rest is not None

    def worked(self, seconds: float) -> None:
        """Something was handled, which took so long."""
        self._worked_s += seconds
        if self._worked_s > _HANDLED_S and self._rest is None:
            self._rest = self._loop.call_soon(self._wake)

    def _wake(self) -> None:
        self._worked_s, self._rest = 0.0, None

    # What the client asks

    def on_call(self, connection: _Connection, call: Call, body: bytes) -> None:
        """The client asks for something that it may ask for now."""
        if call in runtime_api.HELD:
            self._asked = connection
            self._go_on()
        elif call is Call.INIT_ERROR:
            self._tell(json.dumps({"ok": False, "error": runtime_api.described(body)}).encode())
        elif call is Call.RESTORE_ERROR:
            what = runtime_api.described(body)
            self._break(HookError(f"a hook after the restore failed: {what}"))
        else:
            self._raised = call is Call.ERROR
            self._owner.on_answer(body)

    def admit(self, method: str, target: str, headers: Mapping[bytes, bytes]) -> Call:
        """What is asked for, if it may be asked for now; RefusedError otherwise."""
        call, request_id = runtime_api.call_of(method, target)
        self._conversation.take(call, request_id, headers)
        return call

    def on_excess(self, data: bytes) -> None:
        """The client wrote more though it waits."""
        self._broken = True
        self._owner.on_stray(data)

    def on_oversized(self, limit: int) -> None:
        """It answered more than it may."""
        self._break(PayloadTooLargeError(f"the function's answer is longer than the limit of {limit} bytes"))

    def on_unsent(self, error: OSError) -> None:
        """It cannot get all of an event."""
        self._break(CutOffError(f"a request could not be sent whole: {error.strerror}"))

    def on_nonsense(self, error: Exception | str) -> None:
        """It does not speak HTTP."""
        self._break(ProtocolError(f"function process {self._pid} does not speak HTTP to its API: {error}"))

    def on_closed(self, connection: _Connection) -> None:
        """A connection has ended."""
        self._connections.remove(connection)
        if self._asked is connection:  # and with it the question: it may be asked again
            self._asked = None
            phase = self._conversation.phase
            self._conversation.phase = Phase.LOADING if phase is Phase.PARKED else Phase.ANSWERED
            if self._held is not None and self._held[0] is connection:
                self.on_excess(b"")

    @property
    def most_response(self) -> int:
        """Bytes that an answer may have."""
        return self._most_response

    # The rest

    def _go_on(self) -> None:
        """Do what is to be done now that the client waits, if it does."""
        if self._asked is None:
            return
        parked = self._conversation.phase is Phase.PARKED
        if self._owed == "load":
            self._tell(_LOADED_PARKED if parked else _LOADED)
        elif self._owed == "finish":
            self._finish(self._asked)
        elif parked and (self._job is not None or self._owed == "hooks"):
            connection, self._asked = self._asked, None
            self._conversation.release()
            connection.reply(200, b"")
        elif not parked and self._owed == "hooks":
            self._tell(_LOADED)
        elif not parked and self._job is not None:
            self._deliver(self._asked, self._job)

    def _finish(self, asked: _Connection) -> None:
        """Tell that it waits, once the held connection has taken all that was written to it."""
        if self._held is None:
            if not asked.is_read():  # the engine compares how much that is, not what
                what = f"function process {self._pid} has not read all that came from the Runtime API"
                self._break(ProtocolError(what))
                return
            self._held = asked, self._conversation.phase
            self._close_but(asked)  # so that the snapshot has their ends, which each later request finds
        self._cancel_look()
        if self._held[0] in self._connections and not self._held[0].is_taken():
            self._looking = self._loop.call_later(_LOOK_S, self._go_on)
            return
        self.is_silent = True
        self._tell(_LOADED)

    def _close_but(self, held: _Connection) -> None:
        for connection in self._connections.copy():
            if connection is not held:
                connection.close()

    def _cancel_look(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None

    def _cancel_rest(self) -> None:
        if self._rest is not None:
            self._rest.cancel()
            self._wake()

    def _deliver(self, connection: _Connection, job: Job) -> None:
        self._asked = self._job = None
        if self._hooks_run:
            self._hooks_run = False
            self._owner.on_hooks_done()
        try:
            context = job.members()
            request_id = str(context.get("activation_id", ""))
            if not runtime_api.REQUEST_ID.fullmatch(
                request_id
            ):  # a caller's own, which is to be a part of a path
                request_id = os.urandom(16).hex()
            headers = runtime_api.event_headers(context, request_id)
        except RecursionError:  # of our stack more is taken than of who made it
            self._break(InvalidRequestError("the context of the request is nested too deeply"))
            return
        self._conversation.deliver(request_id)
        connection.reply(200, job.value, headers)

    def _tell(self, line: bytes) -> None:
        """The owner gets what it waits for."""
        self._owed = ""
        self._owner.on_answer(line)

    def _break(self, error: InvocationError) -> None:
        self._broken = True
        self._owner.on_broken(error)

    def _on_connection(self) -> None:
        try:
            sock, far = self._listener.accept()
        except OSError:  # it has gone again, or there is no descriptor: the client's wait tells
            return
        sock.setblocking(False)
        if len(self._connections) >= _MOST_CONNECTIONS or not _is_family(self._pid, sock, far):
            self._refused(far[1])
            sock.close()
            return
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self._connections.append(_Connection(self._loop, sock, self))
        except OSError:  # a function may have taken all watches of its user: epoll(7)
            sock.close()

    def _refused(self, port: int) -> None:
        """Log it, but not each: whoever is on this machine may try as often as it likes."""
        self._refusals += 1
        if self._loop.time() < self._silent_until:
            return
        self._silent_until = self._loop.time() + _TELLING_S
        log.warning(
            "connections to a function's Runtime API were refused",
            pid=self._pid,
            port=port,
            refused=self._refusals,
        )


class _Connection:
    """One connection of the client's, of which one request at a time is served.

    Each request has a parser of its own, which is told of no answer. What h11 makes of answers would take
    three times as long as all that we do besides; there are few kinds, and what is in them is known.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, sock: socket.socket, api: RuntimeApi) -> None:
        self._loop = loop
        self._sock = sock
        self._api = api
        self._parser = _parser()
        self._call: Call | RefusedError | None = None
        self._asked = False
        """A request is complete, and has not been answered."""
        self._closes = False
        """It is the last one, as the client says."""
        self._body = bytearray()
        self._unsent = bytearray()
        self._unheard = 0
        """Answers in what is unsent."""
        self._ends = False
        """It is ended as soon as all is sent."""
        self._turn: asyncio.Handle | None = None
        """When what has been read is gone on with."""
        loop.add_reader(sock, self.on_readable)

    @property
    def is_writing(self) -> bool:
        """Whether something is still to be sent."""
        return bool(self._unsent)

    def on_readable(self) -> None:
        """Take what has come."""
        for _ in range(_MOST_READS):
            if self._sock.fileno() < 0 or self._turn is not None or self._api.rests:
                return
            try:
                data = self._sock.recv(_READ)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self.close()
                return
            self._take(data)
            if len(data) < _READ:  # whoever waits for an answer has a turn before the next question
                return

    def reply(self, status: int, body: bytes, headers: bytes = b"") -> None:
        """Answer the request that was taken. ``headers``: further ones, each with its line's end."""
        self._asked = False
        more, _ = self._parser.trailing_data
        self._parser = _parser()
        if more:
            self._parser.receive_data(more)
        self._send(
            b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%b\r\n%b"
            % (_REASONS[status], len(body), headers, body)
        )
        if self._closes:
            self._ends = True
            if not self._unsent:
                self.close()

    def is_taken(self) -> bool:
        """Whether all that was written to it has come to the client's end."""
        waiting = array.array("i", [0])
        try:
            fcntl.ioctl(self._sock, termios.TIOCOUTQ, waiting)
        except OSError:
            return False
        return not self._unsent and waiting[0] == 0

    def is_read(self) -> bool:
        """Whether the client has read all that came to its end."""
        try:
            end = other_end(self._sock.getsockname(), self._sock.getpeername())
        except OSError:
            return False
        return end is not None and not end.unread

    def revert(self) -> bool:
        """Be as when the client had asked its question; false if it wrote more than that, or ended."""
        if self._unsent or not self._is_silent():
            return False
        self._cancel_turn()
        self._asked, self._closes, self._ends, self._call = True, False, False, None
        self._parser = _parser()
        self._body.clear()
        return True

    def _is_silent(self) -> bool:
        """Whether there is nothing more that the client wrote before it was restored."""
        try:
            # What follows a small write waits for its acknowledgement (Nagle's algorithm), and that for an
            # answer, for up to 40 ms: tcp(7). It would come when the client has been reverted.
            self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            end = other_end(self._sock.getsockname(), self._sock.getpeername())
            if end is None or end.unacknowledged:
                return False
            self._sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def stop(self) -> None:
        """Watch it no more."""
        if self._sock.fileno() >= 0:
            self._loop.remove_reader(self._sock)
            self._loop.remove_writer(self._sock)
        self._cancel_turn()

    def close(self) -> None:
        """End it; safe to call twice."""
        if self._sock.fileno() < 0:
            return
        self.stop()
        self._sock.close()
        self._unsent.clear()
        self._api.on_closed(self)

    def _take(self, data: bytes) -> None:
        # Its request is under way: it has to wait for the answer. And whoever waits says nothing by others.
        if self._asked or self._ends or self._api.is_silent:
            self._api.on_excess(data)
            return
        self._parser.receive_data(data)
        self._go_on()

    def _go_on(self) -> None:
        self._turn = None
        if self._api.is_silent:
            self._api.on_excess(self._parser.trailing_data[0])
            return
        try:
            for _ in range(_MOST_EVENTS):
                if self._api.rests:
                    break
                began = time.perf_counter()
                event = self._parser.next_event()
                idle = event is h11.NEED_DATA or event is h11.PAUSED
                if not idle:
                    self._on_event(event)
                self._api.worked(time.perf_counter() - began)
                if idle or self._asked or self._ends or self._sock.fileno() < 0:
                    return
        except h11.RemoteProtocolError as error:
            self._api.on_nonsense(error)
            return
        self._turn = self._loop.call_soon(self._go_on)

    def _cancel_turn(self) -> None:
        if self._turn is not None:
            self._turn.cancel()
            self._turn = None

    def _on_event(self, event: Any) -> None:
        if isinstance(event, h11.Request):
            self._body.clear()
            try:
                self._call = self._api.admit(
                    event.method.decode("ascii"), event.target.decode("ascii"), dict(event.headers)
                )
            except RefusedError as error:
                self._call = error
            if event.method == b"HEAD":  # whose answers have no body, unlike all of ours
                self._api.on_nonsense("it asks by HEAD")
            self._closes = event.http_version < b"1.1" or _says_close(event.headers)
            if self._parser.they_are_waiting_for_100_continue:
                self._send(_GO_ON)
        elif isinstance(event, h11.Data):
            if isinstance(self._call, RefusedError):
                return
            self._body += event.data
            if len(self._body) > self._api.most_response:
                self._body.clear()
                self._api.on_oversized(self._api.most_response)
        elif isinstance(event, h11.EndOfMessage):
            self._on_request(dict(event.headers))

    def _on_request(self, trailers: Mapping[bytes, bytes]) -> None:
        """A request is complete."""
        call, self._call = self._call, None
        self._asked = True
        body = bytes(self._body)
        self._body.clear()
        if isinstance(call, RefusedError):
            self.reply(call.status, call.body)
            return
        assert call is not None  # noqa: S101 - there is one from the request's head on
        if call in runtime_api.HELD:
            excess = self._parser.trailing_data[0]
            if excess:
                self._api.on_excess(excess)
                return
            self._api.on_call(self, call, b"")
            return
        if call is Call.RESPONSE and runtime_api.ERROR_TYPE in trailers:  # it failed while it was streaming
            call, body = Call.ERROR, runtime_api.of_trailers(trailers)
        self.reply(202, _ACCEPTED)
        self._api.on_call(self, call, body)

    def _send(self, data: bytes) -> None:
        self._unheard = self._unheard + 1 if self._unsent else 0
        if self._unheard > _MOST_UNHEARD:
            self._api.on_nonsense("it asks on, and does not read the answers")
            return
        if not self._unsent:
            sent = self._try_to_send(data)
            data = data[sent:]
            if data:
                try:
                    self._loop.add_writer(self._sock, self._on_writable)
                except OSError as error:  # likewise
                    self._api.on_unsent(error)
                    return
        self._unsent += data

    def _on_writable(self) -> None:
        del self._unsent[: self._try_to_send(self._unsent)]
        if not self._unsent:
            self._loop.remove_writer(self._sock)
            if self._ends:
                self.close()

    def _try_to_send(self, data: bytes | bytearray) -> int:
        try:
            return self._sock.send(data)
        except BlockingIOError:
            return 0
        except OSError:  # the end of the connection is reported by itself
            return len(data)


def _parser() -> h11.Connection:
    return h11.Connection(h11.SERVER, max_incomplete_event_size=_MOST_HEAD)


def _says_close(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    return any(name == b"connection" and b"close" in value.lower() for name, value in headers)


def _is_family(pid: int, sock: socket.socket, far: tuple[str, int]) -> bool:
    """Whether a process of the function, or one that it has started, is at the other end."""
    try:
        end = other_end(sock.getsockname(), far)
    except OSError:
        return False
    return end is not None and has_open(pid, end.inode)
