"""A worker: drives one function process through the table of `lifecycle`."""

from __future__ import annotations

import asyncio
import functools
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Protocol

from groundhog import orphans
from groundhog._log import log
from groundhog._threads import beside
from groundhog.config import Isolation, Limits, Reply, Timings
from groundhog.errors import (
    CutOffError,
    FunctionExitedError,
    FunctionTimeoutError,
    GroundhogError,
    HookError,
    PayloadTooLargeError,
    ProtocolError,
    RestoreRefusedError,
    SpawnError,
    StateMismatchError,
    TraceeExitedError,
)
from groundhog.protocols.actionloop import NO_MEMORY, parse_ack
from groundhog.worker.connections import USED, SpentError
from groundhog.worker.lifecycle import STARTED, Action, Event, State, advance
from groundhog.worker.startup import Startup, report_finish
from groundhog.worker.watching import LayoutWatch, frequent_calls

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor

    from groundhog.errors import InvocationError
    from groundhog.jail import Confinement
    from groundhog.removal import Remover
    from groundhog.runners.command import Command
    from groundhog.worker.channel import Answer, Channel
    from groundhog.worker.connections import ConnectionPolicy
    from groundhog.worker.engine import Engine, Process, RestoreReport, SnapshotInfo
    from groundhog.worker.job import Job
    from groundhog.worker.watchdog import Watchdog

_LARGE_ANSWER = 256 << 10
"""From here on looking through it takes longer than a restore does, so the restore is started first, and a
thread looks.
"""
_FAILED = "its worker failed; the log of groundhog says why"
_STATUS_LOOKS, _STATUS_PAUSE_S = 100, 0.001
_BROKEN = {
    PayloadTooLargeError: "answer-too-large",
    HookError: "hook-failed",
    CutOffError: "request-unsent",
}
_HOOKS_TURN = {State.FINISHING: "before", State.HOOKING: "after"}
_END_GRACE_S = 1.0
"""How long a process whose answer pipe has ended may take to end itself, before it is taken to have closed
it.
"""


_P = ParamSpec("_P")


def _or_retire(told: Callable[Concatenate[Worker, _P], None]) -> Callable[Concatenate[Worker, _P], None]:
    """What a worker is told, whatever goes wrong with that: it would wait for ever, and SIGTERM for it."""

    @functools.wraps(told)
    def tell(worker: Worker, /, *args: _P.args, **kwargs: _P.kwargs) -> None:
        try:
            told(worker, *args, **kwargs)
        except Exception:  # noqa: BLE001 - logged with its traceback
            log.exception("a worker failed", pid=worker.pid)
            worker.fail()

    return tell


class Listener(Protocol):
    """Who is told what happens to a worker; called on the event loop."""

    def worker_idle(self, worker: Worker) -> None:
        """It may be handed a request: any if clean, one of its domain if kept."""

    def worker_answered(self, outcome: str, timings: Timings) -> None:
        """A request has ended."""

    def worker_snapshotted(self, worker: Worker, info: SnapshotInfo) -> None:
        """The snapshot has been taken."""

    def worker_restored(self, worker: Worker, report: RestoreReport) -> None:
        """The process has been reverted after a request."""

    def worker_retired(self, worker: Worker, reason: str, message: str) -> None:
        """The process has been given up; a worker serves no more."""


@dataclass(frozen=True, slots=True)
class WorkerConfig:
    """What all workers of a pool have in common."""

    name: str
    """The function's, for messages."""
    command: Command
    warmup: tuple[bytes, ...]
    """As JSON."""
    isolation: Isolation
    limits: Limits
    strategy: str | None
    verify: bool
    keep_connections: bool
    connections: ConnectionPolicy
    """Shared by all workers of the pool."""
    eager_hooks: bool
    """Hooks run at once after a restore."""
    engine: Engine
    executor: Executor
    """Runs what blocks: spawning, the snapshot, closing."""
    watchdog: Watchdog
    """Looks after all calls on pipes of the pool's processes."""
    remover: Remover
    """Removes what processes wrote."""
    confinement: Confinement
    layout_watch: LayoutWatch
    """Shared by all workers of the pool."""


class Worker:
    """One function process, from start to retirement. All methods belong to the event loop's thread."""

    def __init__(self, config: WorkerConfig, listener: Listener) -> None:
        self.config = config
        self.domain: str | None = None
        """Whose state it keeps; meaningful while it is kept."""
        self.snapshot: SnapshotInfo | None = None
        self.came_up = False
        self.watched = config.layout_watch.wanted
        """The kernel tells of calls that change its layout."""
        self.superseded = False
        """Its successor is there: it is to be retired as soon as it is idle."""
        self.spent = False
        """It has lost a connection that the function needs: it must serve no more."""
        self._listener = listener
        self._loop = asyncio.get_running_loop()
        self._state = State.NEW
        self._startup = Startup(self)
        self._process: Process | None = None
        self._pid: int | None = None
        self._channel: Channel | None = None
        self._job: Job | None = None
        self._sent_at = 0.0
        self._timings = Timings(0.0, 0.0)
        self._restore_s: float | None = None
        self._hooks_have_run = False
        """Since the last restore."""
        self._timer: asyncio.TimerHandle | None = None
        self._exited = False
        self._answer_ended = False
        self._finished: asyncio.Future[None] | None = None
        """Done once it has no hooks to run any more."""

    # What the pool asks

    @property
    def state(self) -> State:
        """Where it is in its life."""
        return self._state

    @property
    def pid(self) -> int | None:
        """The process's id, once there is one."""
        return self._pid

    @property
    def takes_control(self) -> bool:
        """Whether it understands control lines: it is a launcher of ours."""
        return self._startup.speaks_control

    @property
    def start_output(self) -> tuple[str, str]:
        """What the process printed to stdout and to stderr while it came up, or failed to."""
        return self._startup.output

    @property
    def has_hooks(self) -> bool:
        """Whether its function has hooks that run after each restore."""
        return self._startup.has_hooks

    @property
    def owes_hooks(self) -> bool:
        """Whether hooks are due before what it keeps is reverted or given up."""
        return self._state is State.KEPT and self._startup.finishes

    async def start(self) -> bool:
        """Bring it up: spawn, load, warm, snapshot, rehearse. Raises what kept it from that; it is retired
        then. False if it was retired since its rehearsal has used it up: the next one will know better.
        """
        try:
            await self._startup.run()
        except SpentError as spent:
            self.retire(USED, str(spent))
            return False
        except asyncio.CancelledError:
            self.retire("closed", "it was given up while it started")
            raise
        except GroundhogError as error:
            self.retire(_start_reason(error), str(error))
            raise
        except Exception as error:
            # What the machine has none of just now, such as descriptors or room, it may have again: the pool
            # has to try anew, which it does after an error that it knows.
            failure = SpawnError(
                f"a process of {self.config.name} could not be started: {str(error) or type(error).__name__}"
            )
            if not isinstance(error, (OSError, MemoryError)):
                log.exception("a function process could not be started")
            self.retire(_start_reason(failure), str(failure))
            raise failure from error
        self.came_up = True
        self._hooks_have_run = self._startup.hooks_have_run
        log.info("worker ready", pid=self.pid, snapshot_bytes=self.snapshot.bytes if self.snapshot else 0)
        self._listener.worker_idle(self)
        return True

    def may_serve(self, domain: str | None) -> bool:
        """Whether a request of that domain may be handed over now."""
        if self._state is State.CLEAN:
            return True
        return self._state is State.KEPT and self._is_own(domain)

    def serve(self, job: Job) -> bool:
        """Hand over a request. False if the process turned out not to be fit: it is retired, the job
        untouched.
        """
        assert self._channel is not None  # noqa: S101 - there is one from LOADING on
        orphans.bury()  # also of processes that were kept for others, or have ended
        if self._state is State.KEPT and self._is_own(job.domain):
            self._stop_timer()
            if not self._is_silent():
                return False
            self._advance(Event.SERVE_AGAIN)
            hooks = False
        else:
            self._advance(Event.SERVE)
            hooks = self.has_hooks and not self._hooks_have_run
        self._hooks_have_run = False
        self.domain = job.domain
        self._job = job
        self._sent_at = now = time.perf_counter()
        self._timings = Timings(now - job.queued_at, 0.0, self._restore_s)
        self._restore_s = None
        limit = self.config.limits.hooks_timeout_s
        if hooks and limit < job.timeout_s:
            self._timer = self._loop.call_later(limit, self._on_hooks_timeout)
        else:
            self._timer = self._loop.call_later(job.timeout_s, self._on_timeout)
        self._channel.serve(job, hooks=hooks)
        return True

    @_or_retire
    def revert(self) -> None:
        """Restore a kept process, so that it may serve any domain."""
        self._stop_timer()
        if not self._startup.finishes:
            self._advance(Event.REVERT)
            self._begin_restore()
        elif self._is_silent():
            self._advance(Event.REVERT_FINISH)
            self._finish_request()

    async def finish(self) -> None:
        """Let the hooks that are due before a restore have their time, for the end of the pool."""
        if self.owes_hooks:
            self.revert()
        if self._state is State.FINISHING:
            self._finished = self._loop.create_future()
            await self._finished

    def retire(self, reason: str, message: str, error: GroundhogError | None = None) -> None:
        """Kill the process for good; the request that it runs, if any, fails with ``error``."""
        if self._state is State.RETIRED:
            return
        self._advance(Event.RETIRE)
        self._stop_timer()
        if self._channel is not None:
            self._channel.stop()
        if self._process is not None:
            self._loop.remove_reader(self._process.fileno())
            self._loop.remove_reader(self._process.exit_fileno())
            self._process.kill()
        if self._job is not None:
            job, self._job = self._job, None
            timings = Timings(
                self._timings.queue_s, time.perf_counter() - self._sent_at, self._timings.restore_s
            )
            self._finish(
                job,
                error
                or CutOffError(
                    f"function process {self.pid} was ended before it answered, and may have done its work:"
                    f" {message}"
                ),
                timings,
            )
        self._startup.abandon()
        self._tell_finished()
        self._listener.worker_retired(self, reason, message)

    def fail(self) -> None:
        """Retire it for what nobody foresaw."""
        if self._state in STARTED:
            self.retire("worker-failed", _FAILED)
        else:
            self._startup.on_failure(ProtocolError(f"function process {self.pid}: {_FAILED}"))

    def kill(self) -> None:
        """Have its process end, unless that has been freed already. From any thread."""
        process = self._process
        if process is not None:
            process.kill()

    async def close(self) -> None:
        """Retire it if need be, and free all that it holds."""
        self.retire("closed", "the pool is closing")
        self._process = self._channel = None
        await self._startup.release()

    # What start-up asks

    def advance(self, event: Event) -> Action:
        """Take one step in the table; what is to be done."""
        return self._advance(event)

    def adopt(self, process: Process, channel: Channel) -> None:
        """The process has been spawned: watch it."""
        self._process, self._channel = process, channel
        self._pid = process.pid
        channel.listen()
        self._loop.add_reader(process.exit_fileno(), self._on_exit)

    def watch_restores(self) -> None:
        """The snapshot has been taken: its restores report through a descriptor."""
        assert self._process is not None  # noqa: S101
        self._loop.add_reader(self._process.fileno(), self._on_restored)

    def begin_restore(self) -> None:
        """Restore in the rehearsal."""
        self._begin_restore()

    def took_snapshot(self, info: SnapshotInfo) -> None:
        """The snapshot has been taken."""
        self.snapshot = info
        self._listener.worker_snapshotted(self, info)

    # What the pipes tell

    @_or_retire
    def on_answer(self, line: bytes) -> None:
        """The answer is complete: tell the caller, then revert."""
        if self._job is None:
            if self._state is State.HOOKING:
                self._on_hooked()
            elif self._state is State.FINISHING:
                self._on_finished(line)
            else:
                self._startup.on_line(line)
            return
        self._stop_timer()
        run_s = time.perf_counter() - self._sent_at
        try:
            self._answer(self._job, line, run_s)
        except MemoryError:
            error = ProtocolError(NO_MEMORY)
            self.retire("protocol", str(error), error)

    def _answer(self, job: Job, line: bytes, run_s: float) -> None:
        assert self._channel is not None  # noqa: S101
        stdout, stderr = self._channel.take_logs()
        timings = Timings(self._timings.queue_s, run_s, self._timings.restore_s)
        self._job = None  # from here on nothing large is made that nobody catches
        answer = self._channel.answer(line)
        told = partial(self._judged, job, answer, (stdout, stderr), timings)
        if len(line) > _LARGE_ANSWER:
            early = self._after_answer(at_once=True)
            looking = asyncio.wrap_future(beside(answer.judge, answer.raw), loop=self._loop)
            looking.add_done_callback(told)
        else:
            early = False
            told()
        if not early:
            self._after_answer()

    @_or_retire
    def _judged(
        self,
        job: Job,
        answer: Answer,
        logs: tuple[str, str],
        timings: Timings,
        looked: asyncio.Future[bool] | None = None,
    ) -> None:
        """Tell the caller, once the answer has been looked through."""
        try:
            failed = looked.result() if looked is not None else answer.judge(answer.raw)
            reply = Reply(answer.raw, *logs, timings, answer.raised, failed, answer.decode)
        except ProtocolError as error:
            error.stdout, error.stderr = logs
            self._finish(job, error, timings)
        except MemoryError:
            self._finish(job, ProtocolError(NO_MEMORY), timings)
        except BaseException:  # the caller waits, whatever it is
            self._finish(job, ProtocolError(_FAILED), timings)
            raise
        else:
            self._finish(job, reply, timings)

    @_or_retire
    def on_hooks_done(self) -> None:
        """The rest of the time is the function's."""
        if self._job is not None:
            self._stop_timer()
            left = self._sent_at + self._job.timeout_s - time.perf_counter()
            self._timer = self._loop.call_later(max(0.0, left), self._on_timeout)

    @_or_retire
    def on_broken(self, error: InvocationError) -> None:
        """It cannot be understood any more, or is not fit to serve."""
        if self._state not in STARTED:
            self._startup.on_failure(error)
            return
        self._attach_logs(error)
        self.retire(_BROKEN.get(type(error), "protocol"), str(error), error)

    @_or_retire
    def on_stray(self, data: bytes) -> None:
        """Bytes for nobody. A restore drops them; otherwise they would be taken for the next answer."""
        if self._state in {State.RESTORING, State.REVERTING} or self._exited:
            return
        message = f"it wrote {len(data)} bytes though no answer was owed"
        if self._state in STARTED:
            self.retire("stray-answer", message)
        else:
            self._startup.on_failure(ProtocolError(f"function process {self.pid}: {message}"))

    @_or_retire
    def on_end(self) -> None:
        """The answer pipe has ended; nearly always the process has, too, and says so at once."""
        self._answer_ended = True
        if self._state is not State.RETIRED and not self._exited:
            self._loop.call_later(_END_GRACE_S, self._on_closed)

    # What time and the kernel tell

    @_or_retire
    def _on_closed(self) -> None:
        if self._state is State.RETIRED or self._exited:
            return
        error = ProtocolError(
            f"function process {self.pid} closed its answer pipe (descriptor 3); it has been killed"
        )
        if self._state in STARTED:
            self._attach_logs(error)
            self.retire("protocol", str(error), error)
        else:
            self._startup.on_failure(error)

    @_or_retire
    def _on_timeout(self) -> None:
        assert self._job is not None  # noqa: S101 - the timer is stopped with the job
        error = FunctionTimeoutError(
            f"the function did not answer within {self._job.timeout_s:g} s; process {self.pid} was killed"
        )
        self._attach_logs(error)
        self.retire("timeout", str(error), error)

    @_or_retire
    def _on_hooks_timeout(self) -> None:
        limit = self.config.limits.hooks_timeout_s
        when = "before a restore" if self._state is State.FINISHING else "after the restore"
        error = FunctionTimeoutError(
            f"the function's hooks {when} took longer than {limit:g} s (Limits.hooks_timeout_s);"
            f" process {self.pid} was killed"
        )
        self._attach_logs(error)
        self.retire("hooks-timeout", str(error), error)

    @_or_retire
    def _on_exit(self) -> None:
        assert self._process is not None  # noqa: S101
        assert self._channel is not None  # noqa: S101
        self._exited = True
        self._loop.remove_reader(self._process.exit_fileno())
        self._channel.read_answer()  # it may have answered before it ended
        if self._state in {State.RETIRED, State.RESTORING, State.REVERTING}:
            return  # the outcome of the restore will say why: the engine kills what it cannot revert
        status = self._status_of(self._process)
        if self._state not in STARTED:
            self._startup.on_exit(status)
            return
        error = FunctionExitedError(
            f"command exited: function process {self.pid} ended ({status}) before it answered"
        )
        self._attach_logs(error)
        self.retire("exited", f"function process {self.pid} ended ({status})", error)

    @staticmethod
    def _status_of(process: Process) -> str:
        """How it ended. The tracer learns that a moment after its descriptor has told us."""
        for _ in range(_STATUS_LOOKS):
            status = process.exit_status
            if status is not None:
                return status
            time.sleep(_STATUS_PAUSE_S)
        return "status unknown"

    @_or_retire
    def _on_restored(self) -> None:
        if self._state not in {State.RESTORING, State.REVERTING}:
            return
        assert self._process is not None  # noqa: S101
        assert self._channel is not None  # noqa: S101
        self._stop_timer()
        try:
            report = self._process.finish_restore()
        except GroundhogError as error:
            self._restore_failed(error)
            return
        orphans.bury()
        if self._exited:
            self._restore_failed(
                TraceeExitedError(f"function process {self.pid} ended while it was restored")
            )
            return
        if self._answer_ended:
            self._restore_failed(
                RestoreRefusedError(f"process {self.pid} closed its answer pipe", "fd-changed")
            )
            return
        try:
            self._channel.reverted()
        except ProtocolError as error:
            self._restore_failed(error)
            return
        if self.watched:
            self.config.layout_watch.note(frequent_calls(report))
        if self._state is State.REVERTING:
            self._advance(Event.RESTORED)
            self._startup.on_restored(report)
            return
        self._restore_s = report.duration
        self._listener.worker_restored(self, report)
        if self.config.eager_hooks and self.has_hooks and not (self.spent or self.superseded):
            self._advance(Event.RESTORED_EAGER)
            self._run_hooks()
            return
        self._advance(Event.RESTORED)
        self._listener.worker_idle(self)

    def _run_hooks(self) -> None:
        """On nobody's time."""
        assert self._channel is not None  # noqa: S101
        self._timer = self._loop.call_later(self.config.limits.hooks_timeout_s, self._on_hooks_timeout)
        self._channel.run_hooks()

    def _on_hooked(self) -> None:
        assert self._channel is not None  # noqa: S101
        self._stop_timer()
        self._channel.hold_logs()  # they are the next request's, as is all else that the hooks did
        self._hooks_have_run = True
        self._advance(Event.HOOKED)
        self._listener.worker_idle(self)

    def _finish_request(self) -> None:
        """Have the hooks run that see what the request left. No caller waits, nor gets what they print."""
        if self._state is not State.FINISHING:
            return  # retired since
        assert self._channel is not None  # noqa: S101
        self._timer = self._loop.call_later(self.config.limits.hooks_timeout_s, self._on_hooks_timeout)
        self._channel.finish()

    def _on_finished(self, line: bytes) -> None:
        assert self._channel is not None  # noqa: S101
        self._stop_timer()
        self._tell_output(*self._channel.take_logs())
        try:
            said = parse_ack(line)
        except ProtocolError as error:
            self.retire("protocol", str(error))
            return
        report_finish(self.pid, said)
        self._advance(Event.FINISHED)
        self._tell_finished()
        self._begin_restore()

    def _tell_finished(self) -> None:
        if self._finished is not None and not self._finished.done():
            self._finished.set_result(None)

    @_or_retire
    def _on_restore_timeout(self) -> None:
        limit = self.config.limits.restore_timeout_s
        message = (
            f"the restore of function process {self.pid} took longer than {limit:g} s; it has been killed"
        )
        if self._state is State.REVERTING:
            self._startup.on_failure(RestoreRefusedError(message, "restore-timeout"))
        else:
            self.retire("restore-timeout", message)

    # The rest

    def _advance(self, event: Event) -> Action:
        self._state, action = advance(self._state, event)
        return action

    def _is_silent(self) -> bool:
        """Drop what a kept process printed since its answer: no restore has emptied the pipes. False if it
        wrote another answer: it is retired then.
        """
        assert self._channel is not None  # noqa: S101
        stray = self._channel.discard()
        if stray:
            self.retire("stray-answer", f"it wrote {stray} bytes after its answer")
        return not stray

    def _is_own(self, domain: str | None) -> bool:
        if self.config.isolation is Isolation.OFF:
            return True
        return domain is not None and domain == self.domain

    def _after_answer(self, *, at_once: bool = False) -> bool:
        """Let what follows an answer follow; always true."""
        assert self._channel is not None  # noqa: S101
        if self._exited:
            return True  # the end of the process is being handled: there is nothing to revert
        isolation = self.config.isolation
        if isolation is Isolation.OFF and self._channel.cut_short:
            self.retire("request-unread", "it answered before it had read all of its request")
            return True
        shares = isolation is Isolation.DOMAIN and self.domain is not None and not self._channel.cut_short
        if isolation is not Isolation.OFF and not shares:
            finishes = self._startup.finishes and not self._channel.cut_short  # else it would not read a line
            self._advance(Event.ANSWERED_FINISH if finishes else Event.ANSWERED)
            follow = self._finish_request if finishes else self._begin_restore
            if at_once:
                follow()
            else:  # the caller has its turn first: waking the tracer's thread may cost this one its processor
                self._loop.call_soon(follow)
            return True
        self._advance(Event.ANSWERED_KEEP)
        if isolation is Isolation.DOMAIN:
            self._timer = self._loop.call_later(self.config.limits.domain_idle_s, self.revert)
        self._listener.worker_idle(self)
        return True

    def _begin_restore(self) -> None:
        if self._state not in {State.RESTORING, State.REVERTING}:
            return  # retired since
        assert self._process is not None  # noqa: S101
        assert self._channel is not None  # noqa: S101
        self._timer = self._loop.call_later(self.config.limits.restore_timeout_s, self._on_restore_timeout)
        self._channel.reverting()
        try:
            self._process.start_restore(verify=self.config.verify)
        except GroundhogError as error:
            self._restore_failed(error)

    def _restore_failed(self, error: GroundhogError) -> None:
        if self._state is State.REVERTING:
            self._startup.on_failure(error)
        else:
            self.retire(_restore_reason(error), str(error))

    def _finish(self, job: Job, result: Reply | GroundhogError, timings: Timings) -> None:
        """Give the caller what it waits for, unless it has gone away."""
        job.timings = timings
        if isinstance(result, Reply):
            if not job.future.done():
                job.future.set_result(result)
            failed = result.raised or result.failed
            self._listener.worker_answered("error" if failed else "ok", timings)
        else:
            if not job.future.done():
                job.future.set_exception(result)
            self._listener.worker_answered(type(result).__name__, timings)

    def _attach_logs(self, error: InvocationError) -> None:
        if self._channel is not None:
            error.stdout, error.stderr = self._channel.take_logs()
            self._tell_output(error.stdout, error.stderr)

    def _tell_output(self, stdout: str, stderr: str) -> None:
        """Log what hooks printed, if no request gets it."""
        when = _HOOKS_TURN.get(self._state)
        if when and (stdout or stderr):
            log.info(f"output of hooks {when} a restore", pid=self.pid, stdout=stdout, stderr=stderr)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _start_reason(error: GroundhogError) -> str:
    if isinstance(error, RestoreRefusedError):
        return error.reason or "restore-refused"
    return "start-failed"


def _restore_reason(error: GroundhogError) -> str:
    if isinstance(error, RestoreRefusedError):
        return error.reason or "restore-refused"
    if isinstance(error, TraceeExitedError):
        return "exited"
    if isinstance(error, StateMismatchError):
        return "state-mismatch"
    if isinstance(error, ProtocolError):
        return "protocol"
    return "engine-error"
