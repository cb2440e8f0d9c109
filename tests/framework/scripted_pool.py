"""A pool that answers what a test tells it to: platforms are tested without a process."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from groundhog.config import Function, Reply, Timings
from groundhog.pool import Pool, PoolStats
from groundhog.protocols import json_text
from groundhog.worker import Job

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from groundhog.errors import GroundhogError


@dataclass
class Invocation:
    """What a platform asked of the pool."""

    params: Any
    domain: str | None
    timeout: float | None
    context: Mapping[str, Any] | None

    @property
    def value(self) -> Any:
        """The parameters, decoded when the platform sent them encoded."""
        return json.loads(self.params) if isinstance(self.params, bytes) else self.params


@dataclass
class Script:
    """What a scripted pool does."""

    answer: Callable[[Any], Any] = lambda params: params
    error: GroundhogError | None = None
    raised: bool = False
    """Whether the answer is what the function raised."""
    start_error: GroundhogError | None = None
    ready: bool = True
    start_output: tuple[str, str] = ("", "")
    stdout: str = ""
    stderr: str = ""
    invocations: list[Invocation] = field(default_factory=list)
    queue: list[Job] = field(default_factory=list)
    """What waits, since it is not ready."""
    served: int = 0
    """Invocations that a process has got to see."""
    closed: bool = False


class ScriptedPool(Pool):
    """A pool without processes."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.function = Function(kind="command", name="hello")

    async def start(self, *, wait: bool = True) -> None:  # noqa: ARG002
        if self.script.start_error:
            raise self.script.start_error

    def submit(
        self,
        params: Any,
        domain: str | None = None,
        timeout: float | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> Job:
        made = Invocation(params, domain, timeout, context)
        self.script.invocations.append(made)
        future = asyncio.get_running_loop().create_future()
        job = Job(b"", b"", has_deadline=False, domain=domain, timeout_s=timeout or 0.0, future=future)
        if not self.script.ready:
            self.script.queue.append(job)
            return job
        self.script.served += 1
        job.timings = Timings(0.0, 0.001, 0.0001)
        if self.script.error:
            future.set_exception(self.script.error)
        else:
            raw = json.dumps(self.script.answer(made.value)).encode()
            logs = self.script.stdout, self.script.stderr
            failed = json_text.kind(raw) == "failure"
            future.set_result(Reply(raw, *logs, job.timings, self.script.raised, failed))
        return job

    def waits(self, job: Job) -> bool:
        return job in self.script.queue

    def withdraw(self, job: Job) -> None:
        if self.waits(job):
            self.script.queue.remove(job)
            job.future.cancel()

    @property
    def start_output(self) -> tuple[str, str]:
        return self.script.start_output

    @property
    def ready(self) -> bool:
        return self.script.ready

    def stats(self) -> PoolStats:
        return PoolStats(
            workers={"clean": 2, "restoring": 1},
            queue_length=7,
            requests=3,
            errors={},
            retirements={"fd-changed": 1},
            restores=2,
            snapshot_bytes=4096,
        )

    async def drain(self, timeout: float) -> bool:  # noqa: ARG002
        return True

    async def aclose(self) -> None:
        self.script.closed = True
