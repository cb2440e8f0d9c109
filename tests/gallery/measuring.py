"""Run one function without isolation and with it: what that does to its answers and its speed."""

from __future__ import annotations

import asyncio
import statistics
from collections import Counter
from dataclasses import dataclass, field
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any

from groundhog import GroundhogError, Isolation, Limits, NullObserver, Pool
from groundhog.worker.lifecycle import STARTED
from tests.gallery.answers import Judge

if TYPE_CHECKING:
    from collections.abc import Callable

    from groundhog import Function, Reply, RestoreReport
    from tests.gallery.catalog import Entry

LIMITS = Limits(timeout_s=60, start_timeout_s=120)
SUPERSEDED = "superseded"
SERVING = {state.value for state in STARTED}
_POLL_S = 0.01
REVERTED, REPLACED, WRONG, FAILS, BROKEN = "reverted", "replaced", "wrong", "fails", "broken"


@dataclass(slots=True)
class Result:
    """What came of one function; times in seconds."""

    status: str = REVERTED
    """REVERTED: right answers by one process. REPLACED: right answers, but processes were retired. WRONG:
    another answer than that of a fresh process. FAILS: not served, though it works unisolated. BROKEN: the
    function itself does not work as the catalog says.
    """
    detail: str = ""
    requests: int = 0
    retirements: dict[str, int] = field(default_factory=dict)
    off: float | None = None
    """Median run time without isolation."""
    ratio: float | None = None
    """Median of the run time with isolation over that of the same request without."""
    restore: float | None = None

    def spoil(self, status: str, detail: str) -> None:
        """Note the first thing that went wrong; later ones may follow from it."""
        if self.status in {REVERTED, REPLACED}:
            self.status, self.detail = status, detail


class Endings(NullObserver):
    """How each request ended: by a restore or a retirement."""

    def __init__(self) -> None:
        self.restores: list[float] = []
        self.reasons: Counter[str] = Counter()
        self.messages: list[str] = []
        self._ended = asyncio.Event()

    def on_restore(self, report: RestoreReport) -> None:
        self.restores.append(report.duration)
        self._ended.set()

    def on_retire(self, reason: str, message: str) -> None:
        if reason == SUPERSEDED:
            return
        self.reasons[reason] += 1
        self.messages.append(message)
        self._ended.set()

    def begin(self) -> None:
        """A request is about to be sent."""
        self._ended.clear()

    async def ended(self) -> None:
        """Wait until its process has been restored, or is gone."""
        await asyncio.wait_for(self._ended.wait(), LIMITS.restore_timeout_s * 2)


class BrokenError(Exception):
    """The function does not do unisolated what the catalog says."""


async def measure(
    entry: Entry,
    function: Function,
    *,
    requests: int,
    untimed: int = 0,
    isolation: Isolation = Isolation.REQUEST,
    progress: Callable[[], object] = lambda: None,
) -> Result:
    """Send requests to the function in both ways, each in turn. ``progress`` is called after each.

    So many ``untimed`` ones before, isolated, show the pool whether its process is better watched otherwise.
    """
    result = Result()
    try:
        await _Measurement(entry, function, result, isolation, progress).run(untimed, requests)
    except BrokenError as error:
        result.spoil(BROKEN, str(error))
    return result


class _Measurement:
    def __init__(
        self,
        entry: Entry,
        function: Function,
        result: Result,
        isolation: Isolation,
        progress: Callable[[], object],
    ) -> None:
        self._payloads = entry.payloads
        self._compared = entry.compared
        self._function = function
        self._result = result
        self._isolation = isolation
        self._progress = progress
        self._judge = Judge(entry.compared)
        self._endings = Endings()
        self._pairs: list[tuple[float, float]] = []

    async def run(self, untimed: int, requests: int) -> None:
        """Fill in the result."""
        others = [await self._of_a_fresh_process(payload) for payload in self._payloads[1:]]
        try:
            async with Pool(self._function, isolation=Isolation.OFF, limits=LIMITS) as plain:
                first = _checked(await plain.invoke(self._payloads[0]))
                await self._serve(plain, [first, *others], untimed, requests)
        except GroundhogError as error:
            raise BrokenError(f"it does not work without isolation: {error}") from error
        self._sum_up()

    async def _of_a_fresh_process(self, payload: Any) -> Any:
        try:
            async with Pool(self._function, isolation=Isolation.OFF, limits=LIMITS) as pool:
                return _checked(await pool.invoke(payload))
        except GroundhogError as error:
            raise BrokenError(f"it does not work without isolation: {error}") from error

    async def _serve(self, plain: Pool, fresh: list[Any], untimed: int, requests: int) -> None:
        pool = Pool(self._function, isolation=self._isolation, limits=LIMITS, observer=self._endings)
        try:
            async with pool:
                for at in islice(cycle(range(len(fresh))), untimed):
                    reply = await self._isolated(pool, self._payloads[at])
                    self._result.requests += 1
                    await self._check(reply, at, fresh)
                await asyncio.wait_for(_settled(pool), LIMITS.start_timeout_s)
                for at in islice(cycle(range(len(fresh))), requests):
                    unisolated = await self._unisolated(plain, self._payloads[at])
                    reply = await self._isolated(pool, self._payloads[at])
                    if unisolated is not None:
                        self._pairs.append((unisolated, reply.timings.run_s))
                    self._result.requests += 1
                    await self._check(reply, at, fresh)
                    self._progress()
        except (GroundhogError, asyncio.TimeoutError) as error:
            request = self._result.requests + 1
            self._result.spoil(FAILS, f"request {request}: {type(error).__name__}: {error}")

    async def _unisolated(self, plain: Pool, payload: Any) -> float | None:
        """How long it took; None if what earlier requests left behind keeps it from working."""
        try:
            reply = await plain.invoke(payload)
        except GroundhogError:
            return None
        return None if reply.raised else reply.timings.run_s

    async def _isolated(self, pool: Pool, payload: Any) -> Reply:
        self._endings.begin()
        reply = await pool.invoke(payload)
        if self._isolation is not Isolation.OFF:
            await self._endings.ended()
        return reply

    async def _check(self, reply: Reply, at: int, fresh: list[Any]) -> None:
        fault = self._judge.fault(reply.value, fresh[at])
        if fault is None or self._result.status in {WRONG, FAILS}:
            return
        again = await self._of_a_fresh_process(self._payloads[at])
        differs = Judge(self._compared).fault(again, fresh[at])
        if differs:
            raise BrokenError(f"two fresh processes answer differently, so it cannot be compared: {differs}")
        self._result.spoil(FAILS if reply.raised else WRONG, f"request {self._result.requests}: {fault}")

    def _sum_up(self) -> None:
        result, endings = self._result, self._endings
        result.retirements = dict(endings.reasons)
        if endings.reasons:
            result.spoil(REPLACED, endings.messages[0])
        if self._pairs:
            result.off = statistics.median(off for off, _ in self._pairs)
            result.ratio = statistics.median(on / off for off, on in self._pairs)
        if endings.restores:
            result.restore = statistics.median(endings.restores)


async def _settled(pool: Pool) -> None:
    """Until no process is being started in the place of another one."""
    while not pool.stats().workers.keys() <= SERVING:  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(_POLL_S)


def _checked(reply: Reply) -> Any:
    """What it answered; BrokenError if it raised."""
    if reply.raised:
        raise BrokenError(f"it raises without isolation: {reply.value}: {reply.stderr}")
    return reply.value
