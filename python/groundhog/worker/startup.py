"""How a worker comes up: spawn, load, warm, prepare, snapshot, rehearse. One step per action of the table."""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial
from typing import TYPE_CHECKING, Any

from groundhog import orphans, weakening
from groundhog._log import log
from groundhog._threads import started
from groundhog.config import Isolation
from groundhog.errors import (
    GroundhogError,
    HookError,
    InitError,
    InvocationError,
    ProtocolError,
    SpawnError,
    TraceeExitedError,
)
from groundhog.protocols.actionloop import (
    PREPARE,
    PREPARE_DROPPING,
    Ack,
    encode_context,
    excerpt,
    noop_line,
    parse_ack,
)
from groundhog.worker.connections import SpentError, Trial, failure
from groundhog.worker.engine import unanswered
from groundhog.worker.http_server import HttpTransport
from groundhog.worker.job import ControlJob, Job, deadline_ms
from groundhog.worker.lifecycle import Action, Event
from groundhog.worker.pipes import Pipes
from groundhog.worker.quiescence import is_alive
from groundhog.worker.runtime_api import RuntimeApiTransport

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from groundhog.jail import Cell
    from groundhog.worker.channel import Channel, Transport
    from groundhog.worker.engine import Process, RestoreReport
    from groundhog.worker.worker import Worker

_NOOPS = 64
"""Rounds through a launcher's own path before the snapshot: CPython specialises it, V8 compiles it."""
_REHEARSALS = 8
"""Rounds of request and restore before real ones: the engine learns which pages requests dirty."""
_MOST_REHEARSALS = 32
_POLL_S = 0.002
_QUIET_S = 0.25
_LOOK_S = 2.0
"""How long a look at its connections may take, which takes microseconds for each."""
_TRANSPORTS: dict[str, Callable[[], Transport]] = {
    "actionloop": Pipes,
    "runtime-api": RuntimeApiTransport,
    "http": HttpTransport,
}
_CONTEXT = encode_context({"activation_id": "0" * 32, "deadline": "0"})
"""What stands for the context of a request in one that is made up."""


class Startup:
    """The way of one worker from NEW to CLEAN; afterwards it only keeps what is to be freed."""

    def __init__(self, worker: Worker) -> None:
        self.output = ("", "")
        """What it printed to stdout and to stderr on its way, less what an InitError tells."""
        self._worker = worker
        self._config = worker.config
        self._limits = worker.config.limits
        self._loop = asyncio.get_running_loop()
        self._transport: Transport | None = None
        self._process: Process | None = None
        self._channel: Channel | None = None
        self._trial = Trial(worker.config.warmup)
        self._patience_s = 0.0
        """How long it was given for connections that were still being opened."""
        self._waiter: asyncio.Future[Any] | None = None
        self._failure: GroundhogError | None = None
        self.speaks_control = False
        """The process is one of our launchers."""
        self.has_hooks = False
        """The function has hooks that run after each restore."""
        self.finishes = False
        """It has hooks that run before each, and there are restores."""
        self.hooks_have_run = False
        """Those that run after have, for the first request."""
        self._spawning: Future[Process] | None = None
        self._cell: Cell | None = None
        self._steps: dict[Action, Callable[[], Any]] = {
            Action.SPAWN: self._spawn,
            Action.LISTEN: self._load,
            Action.WARM: self._warm,
            Action.PREPARE: self._prepare,
            Action.SNAPSHOT: self._snapshot,
            Action.REHEARSE: self._rehearse,
        }

    async def run(self) -> None:
        """Take every step; raises what stops it, and SpentError if it came up for nothing."""
        event = Event.START
        try:
            while (step := self._steps.get(self._worker.advance(event))) is not None:
                event = await step()
        except TraceeExitedError as error:
            raise self._failure or InitError(str(error), self._log()) from None
        finally:
            if self._channel is not None and not self.hooks_have_run:  # else that is the first request's
                self.output = self._channel.take_logs()
        if any(self.output):
            stdout, stderr = self.output
            log.info("output while starting", pid=self._worker.pid, stdout=stdout, stderr=stderr)

    # What happens meanwhile

    def on_line(self, line: bytes) -> None:
        """A line came on the answer pipe."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(line)

    def on_restored(self, report: RestoreReport) -> None:
        """A restore of the rehearsal is complete."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(report)

    def on_failure(self, error: GroundhogError) -> None:
        """Something went wrong: the step under way, or else the next one, fails with it."""
        if isinstance(error, (ProtocolError, HookError)):
            error = InitError(f"the function did not start: {error}", self._log())
        if self._failure is None:
            self._failure = error
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(self._failure)

    def on_exit(self, status: str) -> None:
        """The process has ended."""
        text = self._log()
        last = next((line for line in reversed(text.splitlines()) if line.strip()), "")
        said = f"; the last it wrote: {last.strip()}" if last else ""
        self.on_failure(
            InitError(
                f"function process {self._worker.pid} ended ({status}) before it was ready{said}",
                text,
                exited=True,
            )
        )

    # The steps

    async def _spawn(self) -> Event:
        command = self._config.command
        try:
            self._transport = transport = _TRANSPORTS[command.protocol]()
        except OSError as error:
            raise SpawnError(
                f"no pipes for a function process of {command.argv[0]}: {error.strerror}"
            ) from None

        self._cell = cell = self._config.confinement.cell()

        def spawn() -> Process:
            return self._config.engine.spawn(
                transport.command(command.argv),
                env={**command.env, **cell.env, **transport.env},
                cwd=command.cwd,
                fds=transport.child_fds,
                drain=transport.drain_fds,
                strategy=self._config.strategy,
                watch=self._worker.watched,
                most_tasks=self._limits.tasks,
                keep_connections=self._config.keep_connections,
                **transport.spawn_options,
                **cell.arguments,
            )

        self._spawning = self._config.executor.submit(spawn)
        self._process = process = await asyncio.shield(asyncio.wrap_future(self._spawning))
        transport.release_child_ends()
        guard = self._config.watchdog.guard(process.pid, self._worker.kill)
        self._channel = transport.channel(self._loop, self._worker, guard, process, self._limits)
        self._worker.adopt(process, self._channel)
        return Event.SPAWNED

    async def _load(self) -> Event:
        assert self._channel is not None  # noqa: S101
        ack = self._config.command.ack
        if ack == "none":
            return Event.LOADED
        self._channel.expect()
        waiter = self._wait()
        if ack == "auto" and not await self._acknowledged_or_waiting(waiter):
            self._channel.cancel()
            self._waiter = None
            return Event.LOADED
        line = await self._result(waiter, "say that it has loaded")
        said = self._parse_ack(line)
        if not said.ok:
            why = said.error or "the function could not be loaded"
            raise InitError(why, self._log(), exited=said.exited)
        self.speaks_control = self._channel.marks_raised = said.control
        self._channel.freshens = said.control and weakening.keeps(weakening.RESEEDING, self._worker.pid)
        assert self._transport is not None  # noqa: S101
        self.has_hooks = said.hooks and self._transport.finishes
        return Event.LOADED

    def _parse_ack(self, line: bytes) -> Ack:
        try:
            return parse_ack(line)
        except ProtocolError as error:
            raise InitError(f"function process {self._worker.pid}: {error}", self._log()) from None

    async def _acknowledged_or_waiting(self, waiter: asyncio.Future[bytes]) -> bool:
        """Whether it acknowledged; False when it reads its first request without having done so."""
        assert self._transport is not None  # noqa: S101
        assert self._process is not None  # noqa: S101
        deadline = self._loop.time() + self._limits.start_timeout_s
        while self._loop.time() < deadline:
            # An acknowledgement is written before the read, so a look after the read was seen settles it.
            waiting = self._transport.waits(self._process.pid)
            done, _ = await asyncio.wait({waiter}, timeout=_POLL_S)
            if done:
                return True
            if waiting:
                return False
        raise self._too_slow(
            "neither acknowledged nor read a request",
            "; if it never does so visibly, use ack='none' and a warm-up",
        )

    async def _warm(self) -> Event:
        if not self.has_hooks:  # else it waits for them, and is warmed in the rehearsal
            for number, request in enumerate(self._trial.all, start=1):
                await self._warm_with(number, request)
        await self._come_to_rest()
        return Event.WARMED

    async def _come_to_rest(self) -> None:
        """Give it the time for connections that are being opened, or wait for an answer: each request would
        find what was asked before the snapshot, and its restore take the connection by which the answer came.
        """
        policy = self._config.connections
        self._patience_s = policy.patience_s
        until = self._loop.time() + self._patience_s
        answers_until = self._loop.time() + policy.answered_within_s
        if self.speaks_control:
            for _ in range(_NOOPS):
                await self._control(noop_line(_CONTEXT))
        while (now := self._loop.time()) < until or await self._awaits_answer():
            if max(until, answers_until) <= now:
                policy.unanswered()
                return
            await asyncio.sleep(_POLL_S)
            if self.speaks_control:  # others go on by themselves
                await self._control(noop_line(_CONTEXT))

    async def _awaits_answer(self) -> bool:
        """Whether one of its connections does. Where that is not known, the rehearsal shows what is used.

        A thread looks for which nobody waits in the end: who closes a socket last waits as long as that
        lingers, and that is who looks at it while the function closes it.
        """
        if self._config.isolation is Isolation.OFF or self._config.keep_connections:
            return False
        assert self._process is not None  # noqa: S101
        pid, loop = self._process.pid, self._loop
        seen: asyncio.Future[int] = loop.create_future()

        def look() -> None:
            count = 0
            with contextlib.suppress(OSError):
                count = unanswered(pid)
            with contextlib.suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(seen.set_result, count)

        if started(look, "groundhog-look") is None:
            return False
        await asyncio.wait({seen}, timeout=_LOOK_S)
        return seen.done() and seen.result() > 0

    async def _warm_with(self, number: int, request: bytes) -> None:
        """Send one of the owner's requests. A function that fails it is not warm: better not to start it."""
        try:
            said = await self._serve(request)
            assert self._channel is not None  # noqa: S101
            answer = self._channel.answer(said)
            failed = answer.judge(answer.raw)
        except (InitError, InvocationError) as error:
            printed = error.log if isinstance(error, InitError) else self._log()
            raise InitError(f"warm-up request {number} failed: {error}", printed) from None
        if answer.raised or failed:
            why = answer.decode(answer.raw)["error"] if failed else excerpt(answer.raw, 1000)
            raise InitError(f"warm-up request {number} failed: {why}", self._log())
        self._trial.answered(request, said)

    async def _prepare(self) -> Event:
        if self.speaks_control:
            line = PREPARE_DROPPING if self._drops_connections else PREPARE
            said = self._parse_ack(await self._control(line, "prepare for its snapshot"))
            if not said.ok:
                raise InitError(said.error, self._log())
            self.has_hooks = said.hooks
            self.finishes = said.before_restore and self._config.isolation is not Isolation.OFF
        elif self._finishes_always:
            self._parse_ack(await self._finish())
            self.finishes = self._config.isolation is not Isolation.OFF
        if self._config.isolation is Isolation.OFF:
            log.warning("isolation is off: requests can see what earlier ones left", pid=self._worker.pid)
            return Event.UNISOLATED
        await self._settle()
        return Event.PREPARED

    @property
    def _finishes_always(self) -> bool:
        """It can be restored only after that, whatever it costs."""
        return self._transport is not None and self._transport.finishes

    @property
    def _drops_connections(self) -> bool:
        """Whether idle ones are better closed: a request would lose them, if it had the process reverted."""
        config = self._config
        kept = config.keep_connections or config.isolation is Isolation.OFF
        return config.connections.drops_idle and not kept

    async def _settle(self) -> None:
        """Give it the moment that it takes from its last answer to its next read: a better place to resume
        from.

        Nothing depends on it: a program whose wait cannot be seen is snapshotted where it is.
        """
        assert self._transport is not None  # noqa: S101
        assert self._process is not None  # noqa: S101
        deadline = self._loop.time() + _QUIET_S
        pid = self._process.pid
        while self._loop.time() < deadline and self._failure is None and is_alive(pid):
            if self._transport.waits(pid):
                return
            await asyncio.sleep(_POLL_S)

    async def _snapshot(self) -> Event:
        assert self._process is not None  # noqa: S101
        taking = self._loop.run_in_executor(self._config.executor, self._process.snapshot)
        taking.add_done_callback(_look_at)
        done, _ = await asyncio.wait({taking}, timeout=self._limits.start_timeout_s)
        if not done:
            self._process.kill()  # ends the snapshot, too
            raise self._too_slow("could not be snapshotted")
        self._worker.took_snapshot(taking.result())
        self._worker.watch_restores()
        return Event.SNAPSHOTTED

    async def _rehearse(self) -> Event:
        """Serve as later, so that the engine learns which pages are written, and this what becomes of
        connections. No process comes up without one that nothing has shown to be of no need.
        """
        policy = self._config.connections
        await self._rest()
        if policy.uses_up:
            pass  # it will not serve for long, and a restore might cost it a connection
        elif self._trial.all:
            await self._rehearse_with_warmup(max(_REHEARSALS, min(len(self._trial.all), _MOST_REHEARSALS)))
        elif self.speaks_control:
            await self._rehearse_without_warmup()
        else:  # nothing can be sent to it without calling the function: but a restore must be possible
            self._expect_rest((await self._restore()).connections_shut)
        if self._trial.unprompted and policy.judges:
            policy.unprompted()
        if self._trial.shut and policy.uses_up:  # by the trial of another worker, too
            raise SpentError("its connections were shut down when it was rehearsed")
        if self._trial.shut and self._trial.all and policy.judges:
            policy.passed()
        if self._config.eager_hooks and self.has_hooks:
            await self._run_hooks()
        return Event.REHEARSED

    async def _rest(self) -> None:
        """See whether connections are used without a request, by what the function began when it loaded."""
        if not self._config.connections.expects_rest:
            return
        if self.speaks_control:
            for _ in range(_REHEARSALS):
                await self._control_without_hooks(noop_line(_CONTEXT))
        elif not self._trial.all:
            return  # all of its rehearsal is that
        self._expect_rest((await self._restore()).connections_shut)

    def _expect_rest(self, connections_shut: int) -> None:
        policy = self._config.connections
        if connections_shut and not policy.serves_on:
            policy.unsettled(self._patience_s)
            raise SpentError("connections were used without a request")

    async def _rehearse_without_warmup(self) -> None:
        for _ in range(_REHEARSALS):
            await self._control(noop_line(_CONTEXT))
            self._judge(await self._end_of_round())
        if not self.has_hooks and not self.finishes:
            self._expect_rest(self._trial.shut)

    async def _run_hooks(self) -> None:
        """As after each later restore: for the first request, and what they print, too."""
        assert self._channel is not None  # noqa: S101
        self.output = self._channel.take_logs()
        await self._exchange(self._channel.run_hooks, "run its hooks")
        self._channel.hold_logs()
        self.hooks_have_run = True

    async def _rehearse_with_warmup(self, rounds: int) -> None:
        """Serve the warm-up again, as requests are served, and see how it takes the loss of connections."""
        policy, trial = self._config.connections, self._trial
        for request in trial.others():
            trial.answered(request, await self._serve(request))
        for request in trial.requests(rounds):
            self._judge(await self._rehearse_with(request))
        if policy.judges and not trial.settled:
            policy.failed("the warm-up used further ones each time")

    async def _rehearse_with(self, request: bytes) -> str | None:
        """Serve a request of the warm-up; what went wrong, once connections have been shut."""
        trial = self._trial
        try:
            wrong = trial.answered(request, await self._serve(request))
            wrong = await self._end_of_round() or wrong
        except (InitError, InvocationError, TraceeExitedError) as error:
            # Some libraries end the process when they find a connection closed, at once or a little later.
            if not trial.shut or not self._config.connections.judges:
                raise
            return f"{trial.name(request)} {failure(error)}"
        return wrong

    def _judge(self, wrong: str | None) -> None:
        """Give the process up if something went wrong for want of its connections."""
        policy = self._config.connections
        if wrong and policy.judges:
            policy.failed(wrong)
            raise SpentError(f"with its connections shut down, {wrong}")

    async def _end_of_round(self) -> str | None:
        """Have the hooks before a restore run, unless they might use a connection up, and restore; what went
        wrong with them, once connections have been shut.
        """
        wrong = None
        if self.finishes and (self._finishes_always or not self._config.connections.uses_up):
            said = self._parse_ack(await self._finish())
            report_finish(self._worker.pid, said)
            wrong = self._trial.finished("" if said.ok else said.error or "it did not say why")
        self._trial.restored((await self._restore()).connections_shut)
        return wrong

    async def _restore(self) -> RestoreReport:
        self._check()
        waiter: asyncio.Future[RestoreReport] = self._wait()
        self._worker.advance(Event.REVERT)
        self._worker.begin_restore()  # a restore that takes too long is ended by the worker's timer
        report = await waiter
        self._waiter = None
        return report

    # The means

    async def _serve(self, request: bytes) -> bytes:
        """Send a request of the warm-up; the answer as it came."""
        assert self._channel is not None  # noqa: S101
        job = Job(
            value=request,
            context=encode_context(_deadline_context(self._limits.start_timeout_s)),
            has_deadline=True,
            domain=None,
            timeout_s=self._limits.start_timeout_s,
            future=self._loop.create_future(),
        )
        channel = self._channel
        return await self._exchange(lambda: channel.serve(job, hooks=self.has_hooks))

    async def _control(self, line: bytes, what: str = "answer a warm-up request") -> bytes:
        """Send a launcher of ours a control line."""
        assert self._channel is not None  # noqa: S101
        channel, job = self._channel, self._control_job(line)
        return await self._exchange(lambda: channel.serve(job, hooks=self.has_hooks), what)

    async def _control_without_hooks(self, line: bytes) -> bytes:
        """As before the snapshot: hooks after a restore run with what is fresh, and might use connections."""
        assert self._channel is not None  # noqa: S101
        channel, job = self._channel, self._control_job(line)

        def send() -> None:
            freshens, channel.freshens = channel.freshens, False
            try:
                channel.serve(job)
            finally:
                channel.freshens = freshens

        return await self._exchange(send)

    def _control_job(self, line: bytes) -> ControlJob:
        return ControlJob.of(line, self._limits.start_timeout_s, self._loop.create_future())

    async def _finish(self) -> bytes:
        """Have it do what comes before a restore."""
        assert self._channel is not None  # noqa: S101
        return await self._exchange(self._channel.finish, "do what comes before a restore")

    async def _exchange(self, send: Callable[[], None], what: str = "answer a warm-up request") -> bytes:
        """Send something; what comes back."""
        self._check()
        waiter = self._wait()
        send()
        return await self._result(waiter, what)

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _wait(self) -> asyncio.Future[Any]:
        """For a line, or for the report of a restore."""
        self._waiter = self._loop.create_future()
        if self._failure is not None:
            self._waiter.set_exception(self._failure)
        return self._waiter

    async def _result(self, waiter: asyncio.Future[bytes], what: str) -> bytes:
        done, _ = await asyncio.wait({waiter}, timeout=self._limits.start_timeout_s)
        self._waiter = None
        if not done:
            raise self._too_slow(f"did not {what}")
        return waiter.result()

    def _too_slow(self, what: str, advice: str = "") -> InitError:
        return InitError(
            f"{self._config.name} {what} within {self._limits.start_timeout_s:g} s (function process"
            f" {self._worker.pid}, killed); if it needs longer, raise --start-timeout"
            f" (Limits.start_timeout_s){advice}",
            self._log(),
        )

    def _log(self) -> str:
        if self._channel is None:
            return ""
        return "".join(self._channel.take_logs())

    # The end

    def abandon(self) -> None:
        """The worker is retired: nothing is waited for any more."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.cancel()

    async def release(self) -> None:
        """Free the process and its pipes; also those of a process whose spawning nobody waited for."""
        spawning, self._spawning = self._spawning, None
        if spawning is not None and self._process is None:
            with contextlib.suppress(Exception, asyncio.CancelledError):  # whoever waited for it was told
                self._process = await asyncio.wrap_future(spawning)
        process, self._process = self._process, None
        cell, self._cell = self._cell, None
        try:
            if process is not None:
                await self._loop.run_in_executor(self._config.executor, process.close)
                orphans.bury()
                if is_alive(process.pid):  # some calls of the kernel do not end when their process is killed
                    log.error("a function process that was killed has not ended yet", pid=process.pid)
        finally:  # what is not given back is missing when the next process is started
            if self._transport is not None:
                self._transport.close()  # only now: the engine drains them until the process is closed
            if cell is not None:
                await self._cleared(cell)

    async def _cleared(self, cell: Cell) -> None:
        """Remove what the process wrote. Nobody waits long for it, nor does a process that is to start."""
        if not await self._config.remover.patiently(partial(_clear, cell)):
            log.warning("what a function process wrote takes long to be removed", pid=self._worker.pid)


def report_finish(pid: int | None, said: Ack) -> None:
    """Tell of hooks before a restore that failed: it is no fault of the restore, nor of any caller."""
    if not said.ok:
        log.warning("a hook before a restore failed", pid=pid, error=said.error)


def _clear(cell: Cell) -> None:
    try:
        cell.clear()
    except OSError as error:
        log.error("what a function process wrote could not be removed", error=str(error))


def _look_at(future: asyncio.Future[Any]) -> None:
    """Mark its error as seen: whoever waited for it may have been cancelled."""
    if not future.cancelled():
        future.exception()


def _deadline_context(limit_s: float) -> dict[str, str]:
    return {"activation_id": "0" * 32, "deadline": str(deadline_ms(limit_s))}
