"""An OpenWhisk action container: ``POST /init`` gives the function, ``POST /run`` calls it.

| case | answer |
| --- | --- |
| init fine | 200 ``{"ok":true}`` |
| init again | 403 ``Cannot initialize the action more than once.``, also in the log |
| init without code | 403 ``Missing main/no code to execute.`` |
| code that does not load | 502 with the reason; what it printed is in the log |
| run before init | Node: 403; others: 500 |
| a function may have asked its own container | 403, and nothing in the log |
| run fine | 200, the function's answer |
| the function raises | Node: 502; others: 200; both with ``{"error": "..."}``, as in OpenWhisk's own |
| the answer is no object or array | 502 ``The action did not return a dictionary or array.`` |
| the process dies in a run | 400 ``command exited``; it is replaced |
| it could not be restored, nor replaced in time | 503: the platform asks elsewhere |

A sentinel line on stdout and on stderr ends the logs of an activation: after every run of an initialised
container, however it ended, and after an init whose code did not load. There is none after an init that is
fine (its run follows), one too many or without code, nor after a run before init. What a function prints of
it is written differently: for the platform, the logs of the next activation begin behind a sentinel.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import re
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from groundhog import errors, temporary
from groundhog._log import log
from groundhog.archives.unpacker import Unpacker
from groundhog.config import Jail
from groundhog.platforms import answers, openwhisk_code, operations
from groundhog.platforms.answers import (
    ENDING,
    RETRY_SOON,
    JsonAnswer,
    Refusal,
    Refusing,
    encoded,
    looked_through,
    of_error,
    read_body,
    refusal,
    reply_to,
)
from groundhog.platforms.metrics import Metrics
from groundhog.platforms.printer import Printer
from groundhog.protocols import json_text
from groundhog.protocols.actionloop import NOT_AN_OBJECT
from groundhog.removal import Remover, remove

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future
    from pathlib import Path

    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

    from groundhog.config import Function, Limits, Reply
    from groundhog.observer import Observer
    from groundhog.platforms.neighbours import Neighbours
    from groundhog.platforms.openwhisk_code import Runtime
    from groundhog.pool import Pool
    from groundhog.protocols.json_text import JsonLine
    from groundhog.worker import Job

    MakePool = Callable[[Function, Observer], Pool]

_NOT_CONTEXT = frozenset({"value", "groundhog"})
_LONGEST_CONTEXT = 1 << 20
"""Bytes of what an activation tells beside its value: it becomes variables of the environment."""
SENTINEL = "XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX"
_PRINTED_SENTINEL = re.compile(r"(?<=XXX_THE_END_OF_A_WHISK)_(?=ACTIVATION_XXX)")
"""A character of each sentinel in a text, of those that overlap, too: without it, there is none left."""
INIT_TWICE = "Cannot initialize the action more than once."
NO_CODE = "Missing main/no code to execute."
CANNOT_START = "Cannot start action. Check logs for details. "
"""Before the reason."""
EXITED_AT_INIT = "Command exited abruptly during initialization."
NO_ACTION = "Cannot run the action before it is initialized."
NO_DICTIONARY = "The action did not return a dictionary."
"""The words of the platform's runtime for Node."""
INIT_BYTES = 2 * openwhisk_code.CODE_LIMIT
"""The largest ``/init``: base64 adds a third, and there is more than the code in it."""
LOGS_S = 1.0
"""How long an answer waits for the platform to read the logs of its activation, in seconds."""
REPLACEMENT_S = 5.0
"""How long a run waits for the replacement of a process that could not be restored."""


class Container:
    """One action container.

    Args:
        runtime: what the code of the action is.
        make_pool: makes the pool of the function that ``/init`` gives, with the observer that it is given.
        limits: the limits of that pool.
        jail: what the function is shut in by.
        uid: the user that it runs as, and that its code is unpacked as; None: ours.
        neighbours: refuses callers on this machine that may be functions; None: nobody is refused.
        replacement_s: how long a run waits, in seconds, for the replacement of a process that could not be
            restored.
        stdout: the descriptor to which the function's logs go, and the sentinel.
        stderr: likewise.
    """

    def __init__(
        self,
        runtime: Runtime,
        make_pool: MakePool,
        limits: Limits,
        *,
        jail: Jail | str = Jail.AUTO,
        uid: int | None = None,
        neighbours: Neighbours | None = None,
        replacement_s: float = REPLACEMENT_S,
        stdout: int = 1,
        stderr: int = 2,
    ) -> None:
        self._runtime = runtime
        self._make_pool = make_pool
        self._limits = limits
        self._neighbours = neighbours
        self._replacement_s = replacement_s
        self._stdout = Printer(stdout)
        self._stderr = Printer(stderr)
        for printer in (self._stdout, self._stderr):
            printer.prepare()  # a run may start processes until there are no threads
        self._metrics = Metrics()
        self._initialising = asyncio.Lock()
        self._ending = False
        self._made: Pool | None = None
        """The pool, also while it starts."""
        self._pool: Pool | None = None
        self._directory: Path | None = None
        self._jail = jail
        self._uid = uid
        self._remover = Remover()
        self._unpacker: Unpacker | None = None
        self._laying_out: asyncio.Task[Function] | None = None

    def application(self) -> Starlette:
        """Return the ASGI application."""
        info = {"platform": "openwhisk", "runtime": self._runtime}
        return answers.application(
            [
                Route("/init", Refusing(self._init, ("POST",))),
                Route("/run", Refusing(self._run, ("POST",), self._of_error)),
                *operations.routes(lambda: self._pool, self._metrics, info, self._neighbours),
            ],
            self._metrics.on_answer,
        )

    async def drain(self, timeout: float) -> None:
        """Accept nothing more; wait up to ``timeout`` seconds for the init and the runs under way."""
        self._ending = True
        ends = time.monotonic() + timeout
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._initialising.acquire(), timeout)
            self._initialising.release()
        if self._pool is not None:
            await self._pool.drain(max(0.0, ends - time.monotonic()))

    async def aclose(self) -> None:
        """End the function's processes, also of an init under way, and remove its code."""
        self._ending = True
        if self._made is not None:
            await self._made.aclose()
        await self._remove_code()
        self._remover.stop()

    def hurry(self) -> None:
        """Have the end, now or later, wait for no hooks of the function."""
        if self._made is not None:
            self._made.hurry()

    async def _remove_code(self) -> None:
        """Remove the function's code, also what is laid out of it just now."""
        if self._laying_out is not None and self._unpacker is not None:
            self._unpacker.stop()
            await asyncio.wait({self._laying_out})
        directory = self._directory
        if directory is not None:
            # A hundred thousand files take most of a minute, in which nobody would be served otherwise.
            if not await self._remover.patiently(partial(_remove, directory)):
                log.warning("a function's code takes long to be removed", path=str(directory))
            self._directory = None

    async def _init(self, request: Request) -> Response:
        await self._check(request)
        text = await read_body(request, INIT_BYTES, self._limits.timeout_s) or b"{}"
        async with self._initialising:
            if self._pool is not None:
                self._write(self._stdout, INIT_TWICE)
                raise Refusal(403, INIT_TWICE)
            if self._ending:
                raise Refusal(503, ENDING, RETRY_SOON)
            # Not of those that wait: objects take more than their text.
            body = json_text.decode(await looked_through(_checked, text))
            try:
                await self._initialise(body)
            except errors.GroundhogError as error:
                await self._remove_code()
                printed = exited = ""
                if isinstance(error, errors.InitError):
                    printed, exited = error.log, EXITED_AT_INIT if error.exited else ""
                why = f"Error during initialization: {error}" if self._runtime == "nodejs" else str(error)
                await self._end_of_activation("", _lines(printed, exited, why))
                if self._ending:
                    raise Refusal(503, ENDING, RETRY_SOON) from None
                raise Refusal(502, f"{CANNOT_START}{error}") from None
            except asyncio.CancelledError:
                await self._remove_code()
                raise Refusal(503, ENDING, RETRY_SOON) from None
            except BaseException:
                await self._remove_code()
                raise
        return JsonAnswer({"ok": True})

    async def _initialise(self, body: Any) -> None:
        action = openwhisk_code.parse(body.get("value") if isinstance(body, dict) else None)
        if action is None:
            raise Refusal(403, NO_CODE)
        await self._start(action)

    async def _start(self, action: openwhisk_code.Action) -> None:
        self._directory = temporary.folder("action")
        self._unpacker = Unpacker(self._jail, self._uid, deadline_s=self._limits.start_timeout_s)
        # Unpacking megabytes would keep the event loop, and with it the health check, waiting.
        self._laying_out = asyncio.create_task(
            asyncio.to_thread(openwhisk_code.function, action, self._runtime, self._directory, self._unpacker)
        )
        # Nobody may wait for it in the end.
        self._laying_out.add_done_callback(lambda done: done.cancelled() or done.exception())
        function = await asyncio.shield(self._laying_out)  # a thread cannot be cancelled
        self._made = pool = self._make_pool(function, self._metrics)
        try:
            await pool.start()
        finally:  # what was printed while loading belongs to the activation that made the platform load it
            stdout, stderr = pool.start_output
            self._write(self._stdout, stdout)
            self._write(self._stderr, stderr)
        self._metrics.watch(pool.stats)
        self._pool = pool

    async def _check(self, request: Request) -> None:
        if self._neighbours is not None:
            await self._neighbours.check(request)

    async def _run(self, request: Request) -> Response:
        await self._check(request)
        pool = self._pool
        if pool is None:
            raise Refusal(403 if self._runtime == "nodejs" else 500, NO_ACTION)
        stdout = stderr = ""
        try:
            reply = await self._reply(pool, request)
            stdout, stderr = reply.stdout, reply.stderr
        except errors.InvocationError as error:
            stdout, stderr = error.stdout, error.stderr
            if not isinstance(error, errors.FunctionExitedError):  # as with the platform's own runtimes
                stderr = _lines(stderr, str(error))
            raise
        finally:  # whatever becomes of a run, the platform waits for the end of its logs
            await self._end_of_activation(stdout, stderr)
        return self._answer(reply)

    async def _reply(self, pool: Pool, request: Request) -> Reply:
        limits = self._limits
        body = await read_body(request, limits.request_bytes, limits.timeout_s)
        job = self._submit(pool, *await looked_through(_value_and_context, body))
        return await self._unless_hopeless(request, pool, job)

    def _submit(self, pool: Pool, arguments: JsonLine, members: dict[str, bytes]) -> Job:
        """Ask the pool, given the value of a run's body, and its other members."""
        if sum(map(len, members.values())) > _LONGEST_CONTEXT:
            raise Refusal(400, f"the members beside value have more than {_LONGEST_CONTEXT} bytes")
        told = {name: json_text.decode(text.decode()) for name, text in members.items()}
        context = {name: item for name, item in told.items() if name not in _NOT_CONTEXT and item is not None}
        return pool.submit(
            encoded(arguments, self._limits.request_bytes),
            domain=_domain(told),
            timeout=_timeout(told.get("deadline"), self._limits.timeout_s),
            context=context,
        )

    def _answer(self, reply: Reply) -> Response:
        raised = self._runtime == "nodejs" and reply.raised
        return JsonAnswer(reply.raw, 502 if raised else 200)

    def _of_error(self, error: errors.GroundhogError) -> Response:
        if self._runtime == "nodejs" and str(error) == NOT_AN_OBJECT:
            return refusal(502, NO_DICTIONARY)
        if isinstance(error, errors.FunctionExitedError):
            return refusal(400, "command exited")
        return of_error(error)

    async def _unless_hopeless(self, request: Request, pool: Pool, job: Job) -> Reply:
        """Wait for a reply, but not for long where there is no process: the platform has other containers."""
        try:
            if not pool.ready:
                await asyncio.wait({job.future}, timeout=self._replacement_s)
                # One that a process has got may not be sent again, also if the pool takes no more by now.
                if pool.waits(job) and not pool.ready:
                    raise Refusal(
                        503, "no clean worker: the process could not be restored or replaced", RETRY_SOON
                    )
            return await reply_to(request, pool, job)
        finally:
            pool.withdraw(job)

    async def _end_of_activation(self, stdout: str, stderr: str) -> None:
        """Print the logs; they are there before the answer, unless the platform does not read them."""
        put = (self._write(self._stdout, stdout, SENTINEL), self._write(self._stderr, stderr, SENTINEL))
        waited_for = [asyncio.wrap_future(done) for done in put if done is not None and not done.done()]
        if waited_for:
            await asyncio.wait(waited_for, timeout=LOGS_S)

    @staticmethod
    def _write(printer: Printer, text: str, end: str = "") -> Future[OSError | None] | None:
        """Write a text, and what ends it, each ending its line, in one go: nothing else may come between."""
        lines = _lines(_PRINTED_SENTINEL.sub(" ", text))
        return printer.put(lines.encode("utf-8", "replace"), _lines(end).encode())


def _remove(directory: Path) -> None:
    """Remove a function's code; without a jail, functions write there."""
    try:
        remove(directory)
    except FileNotFoundError:
        pass
    except OSError as error:
        log.error("a function's code could not be removed", error=str(error))


def _lines(*texts: str) -> str:
    """Return the texts that are not empty, each ending its line."""
    return "".join(text if text.endswith("\n") else text + "\n" for text in texts if text)


def _checked(body: bytes) -> str:
    json_text.kind(body)
    return body.decode()


def _value_and_context(body: bytes) -> tuple[JsonLine, dict[str, bytes]]:
    members = json_text.members(body)
    if members is None:
        raise Refusal(400, "the body of a run is an object with the member value")
    value = members.pop("value", b"{}")
    if not value.startswith((b"{", b"[")):
        raise Refusal(400, "the value of a run must be an object or an array")
    return json_text.line(value), members


def _timeout(deadline: Any, limit: float) -> float:
    """Return the seconds until a deadline in epoch milliseconds, at most the limit.

    One that has passed is not enforced: the platform has given up waiting, or its clock is another one.
    """
    try:
        seconds = int(deadline) / 1000 - time.time()
    except (TypeError, ValueError, OverflowError):
        return limit
    return min(seconds, limit) if seconds > 0 else limit


def _domain(message: dict[str, Any]) -> str | None:
    """Return the trust domain of a run: who calls, else in whose namespace; one of its own for no text."""
    for name in ("api_key", "namespace"):
        who = message.get(name)
        if who is None or who == "":
            continue
        if not isinstance(who, str):
            return None
        # Domains may be logged, keys must not be.
        return f"{name}:{hashlib.sha256(who.encode('utf-8', 'surrogatepass')).hexdigest()}"
    return None
