"""The workers of one function: queue, backpressure, replacement."""

from __future__ import annotations

import asyncio
import math
import os
from collections import Counter
from typing import TYPE_CHECKING

from groundhog._log import log
from groundhog._threads import Threads
from groundhog.config import (
    MIB,
    Connections,
    Function,
    Hooks,
    Isolation,
    Jail,
    JsonValue,
    Limits,
    Network,
    Reply,
    Timings,
)
from groundhog.errors import (
    ConfigError,
    GroundhogError,
    InitError,
    InvalidRequestError,
    OverloadedError,
    PoolClosedError,
)
from groundhog.jail import Restrictions
from groundhog.ledger import Ledger, PoolStats
from groundhog.observer import NullObserver
from groundhog.protocols import http_message
from groundhog.protocols.actionloop import encode_context, encode_value
from groundhog.removal import Remover
from groundhog.runners import command_for
from groundhog.waiting import Waiting
from groundhog.worker import (
    STARTED,
    USED,
    ConnectionPolicy,
    ControlJob,
    ForwardedJob,
    Job,
    LayoutWatch,
    State,
    Worker,
    WorkerConfig,
)
from groundhog.worker.engine import default_engine
from groundhog.worker.watchdog import Watchdog

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping
    from types import TracebackType

    from typing_extensions import Self

    from groundhog.observer import Observer
    from groundhog.worker import Sink
    from groundhog.worker.engine import Engine, RestoreReport, SnapshotInfo

__all__ = ["Pool", "PoolStats"]

_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 30.0
_DOUBLINGS = 10
"""Of the first pause: then it is longer than the longest."""
_SUPERSEDED = "superseded"
_LARGEST_WARMUP = 64 * MIB


class Pool:
    """Keeps ``workers`` warm processes of one function and hands each request to a clean one.

    An asynchronous context manager: entering starts the workers, leaving ends them. All of it belongs to one
    event loop. Requests of a domain are served in the order in which they came, domains in turn.

    ``isolation``: see `Isolation`. ``strategy``: the engine's tracking strategy by name, by default the best
    that the machine has. ``verify``: compare the whole process with its snapshot after every restore, which
    is slow. ``jail``: see `Jail`. ``network``: see `Network`. ``uid``: the user that the function runs as,
    which only root can choose. ``connections``: what becomes of connections that are older than a request
    which used them, and of their processes: see `Connections`. ``keep_connections``: leave them open instead,
    though an answer that comes late on one reaches a later request. ``hooks``: when those for the moment
    after a restore run, see `Hooks`. ``engine``: makes the processes; the compiled one unless a test gives
    another. ``observer``: is told of requests, restores and retirements.
    """

    def __init__(
        self,
        function: Function,
        workers: int = 1,
        isolation: Isolation | str = Isolation.REQUEST,
        limits: Limits | None = None,
        strategy: str | None = None,
        *,
        verify: bool = False,
        jail: Jail | str = Jail.AUTO,
        network: Network | str = Network.HOST,
        uid: int | None = None,
        keep_connections: bool = False,
        connections: Connections | str = Connections.AUTO,
        hooks: Hooks | str = Hooks.LAZY,
        engine: Engine | None = None,
        observer: Observer | None = None,
    ) -> None:
        if workers < 1:
            raise ConfigError(f"a pool needs at least one worker, not {workers!r}")
        if function.protocol == "runtime-api" and Network.parse(network) is Network.NONE:
            raise ConfigError(
                f"{function.name} speaks the Runtime API by the machine's network: choose --network host"
            )
        chosen = Connections.parse(connections)
        if keep_connections and chosen is not Connections.AUTO:
            raise ConfigError(
                f"connections cannot be kept with connections={chosen.value!r}: choose one of the two"
            )
        self.function = function
        self.isolation = Isolation.parse(isolation)
        self.limits = limits or Limits()
        self._size = workers
        self._strategy = strategy
        self._verify = verify
        self._restrictions = Restrictions.of(jail, network, uid, engine)
        self._keep_connections = keep_connections
        self._connections = ConnectionPolicy(chosen, function.name, has_warmup=bool(function.warmup))
        self._has_spares = False
        self._hooks = Hooks.parse(hooks)
        self._engine = engine
        self._ledger = Ledger(observer or NullObserver())
        self._begun = False
        self._config: WorkerConfig | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._executor: Threads | None = None
        self._watchdog = Watchdog()
        self._remover = Remover()
        self._workers: list[Worker] = []
        self._queue = Waiting()
        self._starting: set[asyncio.Task[None]] = set()
        self._disposing: set[asyncio.Task[None]] = set()
        self._accepting = False
        self._leaving = False
        self._closing = False
        self._hurried = False
        """The end waits for no hooks."""
        self._closed: asyncio.Task[None] | None = None
        self._renewed: Worker | None = None
        """Whose successor is starting."""
        self._failures = 0
        self._start_error: GroundhogError | None = None
        self._start_output: tuple[str, str] | None = None

    # Public

    async def start(self, *, wait: bool = True) -> None:
        """Start the workers.

        With ``wait``, return when all are ready, or raise what kept one from it (InitError, SpawnError,
        SnapshotRefusedError, ...), with nothing left running. Without, return at once: `ready` tells, and
        starts that fail are tried again with growing pauses.
        """
        if self._begun or self._closed is not None:
            raise PoolClosedError("a pool can be started only once: make a new one")
        self._begun = True
        if self.function.protocol == "http":
            for request in self.function.warmup:
                http_message.Request.of_json(request)
        warmup = tuple(encode_value(request, _LARGEST_WARMUP) for request in self.function.warmup)
        command = command_for(self.function)
        self._loop = asyncio.get_running_loop()
        self._accepting = True
        try:
            # It may try out what the machine has, in processes, which takes as long as they do.
            confinement = await asyncio.to_thread(
                self._restrictions.confinement, self.function, command, self.limits
            )
        except BaseException:
            await self.aclose()
            raise
        if self._closed is not None:
            raise PoolClosedError(f"the pool of {self.function.name} was closed while it started")
        self._executor = Threads(2 * self._size + 1, thread_name_prefix="groundhog")
        self._watchdog.start()
        self._config = WorkerConfig(
            name=self.function.name,
            command=command,
            warmup=warmup,
            isolation=self.isolation,
            limits=self.limits,
            strategy=self._strategy,
            verify=self._verify,
            keep_connections=self._keep_connections,
            connections=self._connections,
            eager_hooks=self._hooks is Hooks.EAGER and self.isolation is not Isolation.OFF,
            engine=self._engine if self._engine is not None else default_engine(),
            executor=self._executor,
            watchdog=self._watchdog,
            remover=self._remover,
            confinement=confinement,
            layout_watch=LayoutWatch(),
        )
        if not wait:
            for _ in range(self._size):
                self._run(self._keep_one(), self._starting)
            return
        try:
            await asyncio.gather(*(self._run(self._bring_up(), self._starting) for _ in range(self._size)))
        except BaseException:
            await self.aclose()
            raise

    async def invoke(
        self,
        params: JsonValue,
        domain: str | None = None,
        timeout: float | None = None,
        context: Mapping[str, JsonValue] | None = None,
    ) -> Reply:
        """Call the function with ``params`` and return what it answered.

        ``domain``: the caller's trust domain (see `Isolation.DOMAIN`); None, or an empty text, means one of
        its own.
        ``timeout``: seconds the function may run, instead of ``Limits.timeout_s``; waiting in the queue is
        not counted. ``context``: further members of the request message, exported to the function as
        ``__OW_<NAME>``, such as ``activation_id`` and ``deadline`` (a string of epoch milliseconds), which
        are made up if not given.

        Raises OverloadedError (the queue is full; also later, to make room for a domain with fewer requests
        in it), PoolClosedError, PayloadTooLargeError, InitError (the function does not start),
        FunctionTimeoutError, FunctionExitedError ("command exited"), ProtocolError (not JSON, not an object
        or array, more than one answer), InvalidRequestError (parameters or context that are not JSON),
        RuntimeError (in another event loop than the one that started the pool). If the caller is cancelled,
        the function runs on, its answer is dropped, and the process is reverted as ever.
        """
        job = self.submit(params, domain, timeout, context)
        try:
            return await job.future
        except asyncio.CancelledError:
            self._drop_cancelled()
            raise

    def submit(
        self,
        params: JsonValue,
        domain: str | None = None,
        timeout: float | None = None,
        context: Mapping[str, JsonValue] | None = None,
    ) -> Job:
        """Begin what `invoke` does: hand the request over, or let it wait. The job's future gets the reply,
        or the error that came later.
        """
        self._admit()
        limit = self._limit(timeout)
        if self.function.protocol == "http":
            http_message.Request.of_json(params)  # as it will be sent
        members = encode_context(context)
        if context is None or "activation_id" not in context:
            members += b',"activation_id":"%s"' % os.urandom(16).hex().encode()
        job = Job(
            value=encode_value(params, self.limits.request_bytes),
            context=members,
            has_deadline=context is not None and "deadline" in context,
            domain=domain or None,  # who takes it from a header that is missing may get an empty one
            timeout_s=limit,
            future=asyncio.get_running_loop().create_future(),
        )
        return self._enqueue(job)

    def forward(
        self,
        request: http_message.Request,
        sink: Sink,
        domain: str | None = None,
        timeout: float | None = None,
    ) -> Job:
        """Hand a request over as it came, to a function that is a server of HTTP (``protocol="http"``).

        ``sink`` gets the answer as it comes, and the job's future a reply that says no more than its status,
        or what went wrong, maybe in the middle of the answer. ``domain``, ``timeout`` and errors: as of
        `invoke`.
        """
        self._admit()
        parser = http_message.parser()
        job = ForwardedJob(
            value=b"{}",
            context=b"",
            has_deadline=True,
            domain=domain or None,
            timeout_s=self._limit(timeout),
            future=asyncio.get_running_loop().create_future(),
            sent=request.encode(parser),
            parser=parser,
            sink=sink,
        )
        return self._enqueue(job)

    def _limit(self, timeout: float | None) -> float:
        if timeout is None:
            return self.limits.timeout_s
        if not (math.isfinite(timeout) and timeout > 0):
            raise InvalidRequestError(
                f"the timeout of a request must be positive and finite, not {timeout!r}"
            )
        return timeout

    async def control(self, line: bytes) -> Reply:
        """Send a control line of `protocols.actionloop` as a request: the process is reverted afterwards as
        ever. Only to a pool that `takes_control`. Raises as `invoke` does.
        """
        self._admit()
        future = asyncio.get_running_loop().create_future()
        job = ControlJob.of(line, self.limits.timeout_s, future)
        return await self._enqueue(job).future

    def _enqueue(self, job: Job) -> Job:
        waiting = len(self._queue)
        if waiting >= self.limits.queue_length and (waiting or self._pick(job.domain) is None):
            error = OverloadedError(
                f"{waiting} requests wait for {self.function.name} already; try again later"
            )
            crowding = self._queue.crowding_out(job.domain)
            if crowding is None:
                raise self._ledger.refused(error)
            self._queue.remove(crowding)
            self._fail(crowding, error)
        self._queue.append(job)
        self._ledger.accepted()
        self._dispatch()
        return job

    def waits(self, job: Job) -> bool:
        """Whether no process has got it yet."""
        return job in self._queue

    def withdraw(self, job: Job) -> None:
        """Forget a request whose caller has gone away, if it still waits: its place in the queue is free."""
        if self.waits(job):
            job.future.cancel()
            self._drop_cancelled()

    def leave(self) -> None:
        """Be ready for nobody any more, though requests that come are served: they soon go elsewhere."""
        self._leaving = True

    @property
    def ready(self) -> bool:
        """Whether at least one worker has started and is alive, busy or not, and the end is not near."""
        return (
            self._accepting and not self._leaving and any(worker.state in STARTED for worker in self._workers)
        )

    @property
    def takes_control(self) -> bool:
        """Whether its processes understand control lines: they are launchers of ours."""
        return any(worker.takes_control for worker in self._workers)

    @property
    def start_error(self) -> GroundhogError | None:
        """Why the last start of a worker failed; None once one has succeeded."""
        return self._start_error

    @property
    def start_output(self) -> tuple[str, str]:
        """What the first process to come up, or to fail, printed to stdout and stderr by then. Of a process
        that failed an InitError tells in its ``log``.
        """
        return self._start_output or ("", "")

    @property
    def next_pid(self) -> int | None:
        """The clean process that gets the next request, unless its caller's domain is kept by another one."""
        return next((worker.pid for worker in self._workers if worker.state is State.CLEAN), None)

    @property
    def pids(self) -> list[int]:
        """The function processes that are alive."""
        return [
            worker.pid
            for worker in self._workers
            if worker.pid is not None and worker.state is not State.RETIRED
        ]

    def stats(self) -> PoolStats:
        """The counters as they are now."""
        return self._ledger.stats(
            workers=dict(Counter(worker.state.value for worker in self._workers)),
            queue_length=len(self._queue),
            snapshot_bytes=sum(
                worker.snapshot.bytes for worker in self._workers if worker.snapshot is not None
            ),
            connections=self._connections.explain(),
        )

    async def drain(self, timeout: float) -> bool:
        """Take no new requests; wait up to ``timeout`` seconds for those accepted. True if all have ended."""
        self._accepting = False
        try:
            await asyncio.wait_for(self._ledger.quiet.wait(), timeout)
        except asyncio.TimeoutError:
            return False
        return True

    async def aclose(self) -> None:
        """End every worker; requests that wait raise PoolClosedError, those under way CutOffError.

        Safe to call twice.
        """
        if self._closed is None:
            self._closed = asyncio.get_running_loop().create_task(self._close())
        await asyncio.shield(self._closed)

    def hurry(self) -> None:
        """Have `aclose`, now or later, wait for no hooks that are due before a restore."""
        self._hurried = True
        if self._closing:
            for worker in list(self._workers):
                if worker.state is State.FINISHING:
                    worker.retire("closed", "the pool is closing")

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    # What workers tell

    def worker_idle(self, worker: Worker) -> None:
        """Give it something to do, unless it is to be replaced."""
        if worker.spent:
            worker.retire(USED, "a request used connections that were opened before it")
        elif worker.superseded and worker.owes_hooks:
            worker.revert()  # it is idle once more after that
        elif worker.superseded:
            worker.retire(_SUPERSEDED, "its successor is better suited to what the function does")
        self._dispatch()

    def worker_answered(self, outcome: str, timings: Timings) -> None:
        """Count a request that has ended."""
        self._ledger.answered(outcome, timings)
        if self._queue and self._is_full_handed:  # a spare can have the next request
            asyncio.get_running_loop().call_soon(self._dispatch)

    def worker_snapshotted(self, worker: Worker, info: SnapshotInfo) -> None:  # noqa: ARG002
        """Pass it on."""
        self._ledger.snapshotted(info)

    def worker_restored(self, worker: Worker, report: RestoreReport) -> None:
        """Count a restore."""
        self._ledger.restored(report)
        if report.connections_shut and self._connections.replaces():
            worker.spent = True
            self._start_spares()
        else:
            self._renew_if_better(worker)

    def worker_retired(self, worker: Worker, reason: str, message: str) -> None:
        """Count it, and replace it unless it is being started or the pool is closing."""
        if self._closing:
            return
        self._ledger.retired(reason, message)
        if worker.came_up and reason != USED:  # else the error that start raises, or the policy, says why
            write = log.info if reason == _SUPERSEDED else log.warning
            write("function process retired", pid=worker.pid, reason=reason, message=message)
        if worker.superseded:
            self._dispose(worker)
        elif worker.came_up:
            self._dispose(worker)
            if worker is not self._renewed:  # else its successor is on its way
                self._run(self._keep_one(), self._starting)

    # Requests

    def _admit(self) -> None:
        if not self._accepting:
            raise self._ledger.refused(
                PoolClosedError(f"the pool of {self.function.name} is not started, closing or closed")
            )
        if asyncio.get_running_loop() is not self._loop:
            # Nobody would wake it for the answer, nor keep two threads from using the pool at once.
            raise RuntimeError(
                f"the pool of {self.function.name} belongs to the event loop that started it: ask it there,"
                " from elsewhere by asyncio.run_coroutine_threadsafe"
            )
        if self._is_hopeless():
            assert self._start_error is not None  # noqa: S101 - hopeless because of it
            raise self._ledger.refused(_copy_of(self._start_error))

    def _drop_cancelled(self) -> None:
        """Forget queued requests whose callers have gone away."""
        dropped = [job for job in self._queue if job.future.done()]
        for job in dropped:  # all of them before anybody is told, who may ask for something
            self._queue.remove(job)
        for _ in dropped:
            self._ledger.answered("CancelledError", Timings(0.0, 0.0))

    def _dispatch(self) -> None:
        """Hand over queued requests, in turn, as long as there is a worker for the first of them."""
        while self._queue:
            job = self._queue.first()
            if job.future.done():
                self._drop_cancelled()
                continue
            worker = self._pick(job.domain)
            if worker is None:
                return
            self._queue.pop()
            if not worker.serve(job):
                self._queue.put_back(job)

    def _pick(self, domain: str | None) -> Worker | None:
        """A worker for that domain: one that keeps its state, else a clean one, else none, but one is
        reverted.
        """
        if self._is_full_handed and self._running >= self._size:
            return None
        clean = kept = None
        reverting = False
        for worker in self._workers:
            if worker.state is State.CLEAN:
                clean = clean or worker
            elif worker.state is State.KEPT:
                if worker.may_serve(domain):
                    return worker
                kept = kept or worker
            elif worker.state in {State.FINISHING, State.RESTORING, State.HOOKING}:
                reverting = True
        if clean is None and kept is not None and not reverting:
            kept.revert()
        return clean

    @property
    def _is_full_handed(self) -> bool:
        """Whether there are more processes than may serve at a time: spares, or a successor."""
        return len(self._workers) > self._size

    @property
    def _running(self) -> int:
        return sum(worker.state is State.RUNNING for worker in self._workers)

    # Workers

    def _run(self, work: Coroutine[None, None, None], tasks: set[asyncio.Task[None]]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        return task

    async def _bring_up(self) -> None:
        """Start one worker; raises what keeps it from coming up."""
        while not await self._came_up():
            pass  # it was used up to learn how the next one is to be rehearsed

    async def _came_up(self) -> bool:
        assert self._config is not None  # noqa: S101 - set in start
        worker = Worker(self._config, self)
        self._workers.append(worker)
        try:
            fit = await worker.start()
        except BaseException as error:
            if isinstance(error, GroundhogError):
                self._failures += 1
                self._start_error = error
            self._dispose(worker)
            raise
        finally:
            self._start_output = self._start_output or worker.start_output
        if not fit:
            self._dispose(worker)
            return False
        self._failures = 0
        self._start_error = None
        if self._connections.uses_up and self.isolation is not Isolation.OFF:
            self._start_spares()
        return True

    def _start_spares(self) -> None:
        """From now on keep twice as many processes, so that one that is replaced has its successor ready.

        No more of them than before serve at a time.
        """
        if not self._has_spares and not self._closing:
            self._has_spares = True
            for _ in range(self._size):
                self._run(self._keep_one(), self._starting)

    def _renew_if_better(self, worker: Worker) -> None:
        """Replace a process that is watched for nothing: its successor comes up first, one at a time."""
        assert self._config is not None  # noqa: S101 - set in start
        wanted = worker.watched and worker.came_up and not worker.superseded
        wanted = wanted and not self._config.layout_watch.wanted
        if wanted and self._renewed is None and not self._closing:
            self._renewed = worker
            self._run(self._renew(worker), self._starting)

    async def _renew(self, worker: Worker) -> None:
        log.info("its frequent calls are many: its process is replaced by one that is not watched for them")
        try:
            await self._bring_up()
        except GroundhogError as error:
            log.error("a successor did not start", error=str(error))
            if worker not in self._workers:  # it was retired meanwhile
                self._run(self._keep_one(), self._starting)
            return
        finally:
            self._renewed = None
        if worker not in self._workers:  # it was retired meanwhile, and this is what replaces it
            return
        worker.superseded = True
        if worker.state in {State.CLEAN, State.KEPT}:
            self.worker_idle(worker)

    async def _keep_one(self) -> None:
        """Start one worker, and try until it comes up."""
        while not self._closing:
            if self._failures:
                await asyncio.sleep(_pause_s(self._failures))
            try:
                await self._bring_up()
            except GroundhogError as error:
                log.error("a function process did not start", error=str(error), failures=self._failures)
                self._fail_waiting()
            else:
                return

    def _is_hopeless(self) -> bool:
        """Whether no worker is alive and the next is not expected to come up either."""
        if self._start_error is None or any(worker.state in STARTED for worker in self._workers):
            return False
        return isinstance(self._start_error, InitError) or self._failures > 1

    def _fail_waiting(self) -> None:
        """Nobody can serve what is queued: say so now instead of letting it time out."""
        if not self._is_hopeless():
            return
        assert self._start_error is not None  # noqa: S101 - hopeless because of it
        self._fail_queue(self._start_error)

    def _fail_queue(self, error: GroundhogError) -> None:
        while self._queue:
            self._fail(self._queue.pop(), _copy_of(error))

    def _fail(self, job: Job, error: GroundhogError) -> None:
        """Tell a caller whose request waits no more."""
        if not job.future.done():
            job.future.set_exception(error)
        self._ledger.answered(type(error).__name__, Timings(0.0, 0.0))

    def _dispose(self, worker: Worker) -> None:
        """Free what a retired worker holds; closing the pool waits for it."""
        if worker in self._workers:
            self._workers.remove(worker)
            self._run(worker.close(), self._disposing)

    async def _end(self, worker: Worker) -> None:
        """Retire a worker once what its requests left for hooks is dealt with."""
        if not self._hurried:
            await worker.finish()
        worker.retire("closed", "the pool is closing")
        self._dispose(worker)

    async def _close(self) -> None:
        self._accepting = False
        self._closing = True
        self._fail_queue(PoolClosedError(f"the pool of {self.function.name} was closed"))
        for worker in list(self._workers):
            self._run(self._end(worker), self._disposing)
        for task in self._starting:
            task.cancel()
        while tasks := [*self._starting, *self._disposing]:
            await asyncio.gather(*tasks, return_exceptions=True)
        if self._executor is not None:
            self._executor.shutdown()
            self._watchdog.stop()
        self._remover.stop()


def _pause_s(failures: int) -> float:
    """How long to wait after so many failures. Of too many, a power is too large for a float."""
    return min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** min(failures - 1, _DOUBLINGS))


def _copy_of(error: GroundhogError) -> GroundhogError:
    """The same error for another caller: one object raised many times would gather all their tracebacks."""
    if isinstance(error, InitError):
        return InitError(str(error), error.log, exited=error.exited)
    return type(error)(str(error))
