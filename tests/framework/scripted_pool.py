"""A pool that answers what a test tells it to: platforms are tested without a process."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from groundhog.config import Reply, Timings
from groundhog.pool import Pool, PoolStats

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
    start_error: GroundhogError | None = None
    ready: bool = True
    start_output: tuple[str, str] = ("", "")
    stdout: str = ""
    stderr: str = ""
    invocations: list[Invocation] = field(default_factory=list)
    served: int = 0
    """Invocations that a process has got to see."""
    closed: bool = False


class ScriptedPool(Pool):
    """A pool without processes."""

    def __init__(self, script: Script) -> None:
        self.script = script

    async def start(self, *, wait: bool = True) -> None:  # noqa: ARG002
        if self.script.start_error:
            raise self.script.start_error

    async def invoke(
        self,
        params: Any,
        domain: str | None = None,
        timeout: float | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> Reply:
        made = Invocation(params, domain, timeout, context)
        self.script.invocations.append(made)
        if not self.script.ready:
            await asyncio.get_running_loop().create_future()  # queued
        self.script.served += 1
        if self.script.error:
            raise self.script.error
        value = self.script.answer(made.value)
        raw = json.dumps(value).encode()
        return Reply(value, self.script.stdout, self.script.stderr, Timings(0.0, 0.001), raw)

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
