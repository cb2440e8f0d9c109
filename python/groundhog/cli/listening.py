"""Serving an ASGI application until a signal.

The socket comes first, the workers next, then a line that says it is ready.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import os
import resource
import signal
import socket
from typing import TYPE_CHECKING, Any

import click
import uvicorn

from groundhog import orphans, temporary
from groundhog._log import log
from groundhog.cli import options
from groundhog.config import Isolation, Limits, Network
from groundhog.errors import ConfigError
from groundhog.platforms.connection import MOST_CONNECTIONS, STUCK_S, Connection
from groundhog.platforms.neighbours import Neighbours
from groundhog.platforms.printer import Printer
from groundhog.removal import Remover

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from concurrent.futures import Future
    from types import FrameType

    from starlette.types import ASGIApp

BACKLOG = 1024
_STDOUT = 1
_ACCEPTED_AT_ONCE = 1
_ANY, _ANY6 = "0.0.0.0", "::"  # noqa: S104 - compared with what a user asked for
_LOOPBACK = {"127.0.0.1": _ANY, "::1": _ANY6}
"""Of each family, and what takes all of its addresses."""
_WRITING_S = 1.0
"""How long the last answers may take on their way out."""
_ANEW_S = 2.0
"""How long after a failure to accept anybody it is begun anew: asyncio tries it itself after one second."""
_BURYING_S = 1.0
"""How long orphans of processes that were ended stay unburied."""


start_timeout = click.option(
    "--start-timeout",
    type=options.Seconds(),
    default=Limits().start_timeout_s,
    show_default=True,
    metavar="S",
    help="Seconds that a process may take to load, and then for each warm-up request.",
)
"""Of the commands that keep processes of a function running."""

workers = click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Processes that serve at a time.",
)
"""Likewise."""

trust_local_callers = click.option(
    "--trust-local-callers",
    is_flag=True,
    help="Answer whoever asks on this machine, also if it may be a function: see --isolation domain, the logs"
    " of OpenWhisk, and /_/metrics.",
)
"""Likewise."""


def neighbours(
    isolation: str, network: str, uid: int | None, *, trust_local_callers: bool
) -> Neighbours | None:
    """Return what keeps functions from asking their own server, where they could.

    Args:
        isolation: what the functions are isolated by: in another domain's name they could learn its state.
        network: which one they have.
        uid: whom they run as; None: us.
        trust_local_callers: whether that is left to somebody else.

    Raises:
        ConfigError: this cannot be had here, and domains depend on it.
    """
    if network == Network.NONE.value or trust_local_callers:
        return None
    if isolation == Isolation.DOMAIN.value and uid in (None, os.geteuid()):
        log.warning(
            "functions are the same user as this server: another program of that user which takes descriptors"
            " from others may be made to ask for them in any domain; use --uid, or --network none"
        )
    try:
        return Neighbours({os.geteuid() if uid is None else uid})
    except ConfigError as error:
        if isolation == Isolation.DOMAIN.value:
            raise
        log.warning(
            "functions may ask their own server: for metrics of other requests, and so that the logs of later"
            " ones are shifted",
            why=str(error),
        )
        return None


def most_waiting(asked: int) -> int:
    """How many requests may wait for a process: no more than leaves connections to further callers.

    Who finds the queue full is told so, or takes the place of a domain with more in it. Who finds no
    connection is refused whatever its domain.
    """
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    room = MOST_CONNECTIONS if most == resource.RLIM_INFINITY else min(most, MOST_CONNECTIONS)
    if asked > room // 2:
        log.info(
            "fewer requests may wait than the queue is long: there are too few connections, or descriptors"
            " (ulimit -n)",
            queue=asked,
            waiting=room // 2,
        )
    return min(asked, room // 2)


class _Server(uvicorn.Server):
    """Serves on a socket, whose port it keeps until that is closed by whoever gave it.

    Uvicorn raises the signals that it caught once more when it ends; ours end it with exit code 0. It gives
    the port up as soon as it is to end. Functions may run on for as long as a request may take, and one that
    listened there would get what callers send.

    Asyncio takes "backlog" for how often it tries to accept before it looks at anything else, too. Where
    there are no descriptors left it does not stop at the first failure, but logs each with a traceback, and
    tries as often again a second later: a function that connects often enough had it write 40,000 of them in
    six seconds. So it is told 1, and the kernel the truth.

    A second later it watches the socket again. Where a function has taken all watches of its user, too, that
    fails, and it would listen no more for ever: so it is begun anew.
    """

    def __init__(self, config: uvicorn.Config, sock: socket.socket) -> None:
        super().__init__(config)
        self._sock = sock
        self._renewing: asyncio.Task[None] | None = None
        self._told_at = -STUCK_S

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        asyncio.get_running_loop().set_exception_handler(self._on_trouble)
        await super().startup(sockets)
        self._sock.listen(BACKLOG)

    def _on_trouble(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Asyncio has something to tell that nobody waits for."""
        message = str(context.get("message"))
        if not message.startswith("socket.accept()") and "_start_serving" not in message:
            loop.default_exception_handler(context)
            return
        if loop.time() - self._told_at > STUCK_S:
            self._told_at = loop.time()
            log.warning("no caller can be accepted", error=str(context.get("exception")))
        if self._renewing is None:
            self._renewing = loop.create_task(self._renew())

    async def _renew(self) -> None:
        """Watch the socket anew, by another descriptor: nothing tells whether asyncio could."""
        while not self.should_exit:
            await asyncio.sleep(_ANEW_S)
            before = self.servers
            try:
                with contextlib.ExitStack() as undone:
                    sock = undone.enter_context(self._sock.dup())
                    await super().startup([sock])
                    undone.pop_all()
            except OSError:
                self.servers = before
                continue
            self._sock.listen(BACKLOG)
            for server in before:
                server.close()
            break
        self._renewing = None

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._renewing is not None:
            self._renewing.cancel()
        for server in self.servers:
            server.close()
        _refuse_all(self._sock)
        await super().shutdown(sockets)


class _Signals:
    """Those that end a server, which then removes what functions wrote. A second one ends it at once.

    SIGHUP, for a terminal that is gone, is one unless it is ignored, as by nohup(1).
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.stopped, self.hurried = asyncio.Event(), asyncio.Event()
        self._loop = loop
        self._begun: list[int] = []
        self._before: dict[int, Any] = {}

    def handle(self) -> None:
        """From now on. Not by the event loop: when that gives a signal up, the next of its kind kills us."""
        ours = [signal.SIGTERM, signal.SIGINT]
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            ours.append(signal.SIGHUP)
        for number in ours:
            self._before[number] = signal.signal(number, self._on)

    def give_up(self) -> None:
        """Handle them no more. After one that has ended us, others have nothing to say."""
        for number, before in self._before.items():
            signal.signal(number, signal.SIG_IGN if self._begun else before)

    def _on(self, number: int, _: FrameType | None) -> None:
        self._begun.append(number)
        if len(self._begun) > 1:
            signal.signal(number, signal.SIG_IGN)  # else each would interrupt the handling of the one before
            if number != signal.SIGHUP:  # a terminal that is closed sends two
                self._loop.call_soon_threadsafe(self.hurried.set)
        self._loop.call_soon_threadsafe(self.stopped.set)


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises:
        ConfigError: the address cannot be had; it says which, and why.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise ConfigError(f"cannot listen on {host}: {error.strerror}") from None
    sock = socket.socket(family, kind, protocol)
    try:
        with socket.socket(family, kind, protocol) as first:
            for each in (first, sock):
                each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            first.bind(address)
            # By its number, also if any was asked for: the kernel takes a port that it chose itself away from
            # a socket that does not listen any more.
            sock.bind(first.getsockname())
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        advice = "; choose another with --port" if error.errno == errno.EADDRINUSE else ""
        raise ConfigError(f"cannot listen on {host} port {port}: {error.strerror}{advice}") from None
    sock.setblocking(False)
    return sock


def _refuse_all(sock: socket.socket) -> None:
    """Have a socket listen no more, and keep its port: nobody else gets that before it is closed."""
    # Connections keep the option, by which the next server gets the port while the kernel remembers them.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    with contextlib.suppress(OSError):  # ENOTCONN: it is done already
        sock.shutdown(socket.SHUT_RDWR)


def neighbouring(sock: socket.socket) -> list[socket.socket]:
    """Take the port of a listening socket under the names by which callers of this machine may look for it.

    A function that listened there would get their requests: for many, ``localhost`` is ``::1`` first, and
    127.0.0.1 only where nobody is there. So it is with names that have addresses of both families. Nobody
    listens on what is returned; keep it open.
    """
    port = sock.getsockname()[1]
    beside = []
    for addresses in _neighbours_of(sock):
        for address in addresses:
            taken = _taken(address, port)
            if taken is not None:
                beside.append(taken)
                break
    return beside


def _taken(address: str, port: int) -> socket.socket | None:
    """Return a socket that has a port, on which nobody listens; None: it cannot be had."""
    family = _family(address)
    try:
        taken = socket.socket(family, socket.SOCK_STREAM)
    except OSError:
        return None  # no such network here
    try:
        if family == socket.AF_INET6:
            taken.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        # Without SO_REUSEADDR nobody else gets it, whatever they ask for.
        taken.bind((address, port))
    except OSError as error:
        taken.close()
        if error.errno == errno.EADDRINUSE:  # EADDRNOTAVAIL: nobody has such an address here
            log.warning(
                "the same port is somebody else's under another address of this machine: callers may get"
                " answers from there; let them ask by the address on which this server listens",
                address=address,
                port=port,
            )
        return None
    return taken


def _neighbours_of(sock: socket.socket) -> list[tuple[str, ...]]:
    """What callers may find under the same name, and the socket does not take; of each, what to take instead
    if somebody else has a part of it.
    """
    own = sock.getsockname()[0]
    if own == _ANY:
        return [(_ANY6,)]
    if own == _ANY6:
        return [(_ANY,)] if sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY) else []
    if ipaddress.ip_address(own.partition("%")[0]).is_loopback:
        return [(address,) for address in _LOOPBACK if address != own]
    return [
        (address,) if _family(address) == sock.family else (anywhere, address)
        for address, anywhere in _LOOPBACK.items()
    ]


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def url(sock: socket.socket) -> str:
    """Return the address of a listening socket as a URL."""
    host, port = sock.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def serve(
    application: ASGIApp,
    sock: socket.socket,
    *,
    start: Callable[[], Awaitable[None]],
    drain: Callable[[float], Awaitable[object]],
    close: Callable[[], Awaitable[None]],
    hurry: Callable[[], None],
    announcement: str | None,
    drain_s: float,
    drain_delay_s: float = 0.0,
    leave: Callable[[], None] | None = None,
) -> None:
    """Serve until a signal, then answer what has been accepted, and end. A second signal ends at once.

    Args:
        application: what is served. It is up before the workers are, so that health can be asked for.
        sock: a listening socket; it is closed once no function runs any more.
        start: makes the application ready.
        drain: lets the application accept nothing more, and waits, for at most the seconds that it is given,
            until what it has accepted is answered.
        close: leaves nothing running, and refuses what is not answered; called in any case.
        hurry: has that wait for no work of the application's own; called upon a second signal.
        announcement: the line printed when it is ready, if any.
        drain_s: how long requests that were accepted may still take, in seconds.
        drain_delay_s: how long to go on as before after a signal, in seconds, but for what `leave` does.
        leave: has whoever asks be told that the server is about to end.
    """
    config = uvicorn.Config(
        application,
        http=Connection,
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        # A function on this machine could claim to be a caller from another one: see platforms.neighbours.
        proxy_headers=False,
        backlog=_ACCEPTED_AT_ONCE,
    )
    server = _Server(config, sock)
    loop = asyncio.get_running_loop()
    signals = _Signals(loop)
    beside = neighbouring(sock)
    signals.handle()
    burying = asyncio.create_task(_bury_orphans())
    remover = Remover()
    removing = asyncio.wrap_future(remover.put(temporary.remove_left))
    remover.stop()
    serving = asyncio.create_task(server.serve(sockets=[sock.dup()]))  # which it closes
    starting = asyncio.ensure_future(start())
    stopping = asyncio.create_task(signals.stopped.wait())
    try:
        await asyncio.wait({starting, stopping, serving}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            if announcement is not None and not signals.stopped.is_set():
                await _announce(announcement)
            await asyncio.wait({stopping, serving}, return_when=asyncio.FIRST_COMPLETED)
            if drain_delay_s and leave is not None and not serving.done():
                leave()
                delayed = asyncio.create_task(signals.hurried.wait())
                await asyncio.wait(
                    {delayed, serving}, timeout=drain_delay_s, return_when=asyncio.FIRST_COMPLETED
                )
                delayed.cancel()
    finally:
        server.should_exit = True
        for task in (starting, stopping):
            task.cancel()
        await asyncio.gather(starting, stopping, return_exceptions=True)
        hurrying = asyncio.create_task(signals.hurried.wait())
        ends = loop.time() + drain_s
        await _first(drain(drain_s), {serving, hurrying})
        closing = asyncio.ensure_future(close())
        await asyncio.wait({closing, hurrying}, return_when=asyncio.FIRST_COMPLETED)
        if signals.hurried.is_set():
            hurry()
        await closing
        if not signals.hurried.is_set():  # the last answers are written
            left = max(_WRITING_S, ends - loop.time())
            await asyncio.wait({serving, hurrying}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        await _cut_off(server, serving)
        hurrying.cancel()
        burying.cancel()
        await asyncio.wait({removing}, timeout=_WRITING_S)
        removing.cancel()  # nobody waits for more: the next server goes on with it
        signals.give_up()
        for taken in (sock, *beside):
            taken.close()
    serving.result()


async def _bury_orphans() -> None:
    """Those of processes that were ended now and then, others before their process serves again."""
    with orphans.inherited():
        while True:
            orphans.bury()
            await asyncio.sleep(_BURYING_S)


async def _announce(line: str) -> None:
    """Print a line, if anybody reads it: a server is there for others, and waits for no reader."""
    done, late = await asyncio.wait({asyncio.wrap_future(_printed(line))}, timeout=_WRITING_S)
    error = done.pop().result() if done else None
    if error is not None or late:
        why = "nobody reads it" if error is None else error.strerror
        log.warning("its stdout cannot be told that the server is ready", why=why, line=line)


def _printed(line: str) -> Future[OSError | None]:
    return Printer(_STDOUT).line(line)


async def _first(work: Awaitable[object], others: set[asyncio.Task[Any]]) -> None:
    """Wait for what is to be done, but no longer than until another one ends."""
    doing = asyncio.ensure_future(work)
    await asyncio.wait({doing, *others}, return_when=asyncio.FIRST_COMPLETED)
    doing.cancel()
    await asyncio.gather(doing, return_exceptions=True)


async def _cut_off(server: uvicorn.Server, serving: asyncio.Task[None]) -> None:
    """End the requests that nothing else ends: bodies that never come to their end, answers nobody reads.

    Uvicorn would do it with a traceback for each; cancelled by us, an endpoint answers 503.
    """
    for task in list(server.server_state.tasks):
        task.cancel()
    if not serving.done():
        await asyncio.wait({serving}, timeout=_WRITING_S)
    server.force_exit = True
    for connection in list(server.server_state.connections):
        connection.transport.abort()
    await asyncio.gather(serving, return_exceptions=True)
