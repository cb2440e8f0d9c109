"""A user's function with each of its payloads, without and with isolation: what requests leave behind."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundhog import temporary
from groundhog.audit import identifiers
from groundhog.audit.answers import Leak, Said, encoded, leaks, texts
from groundhog.audit.identifiers import Repeat, Samples
from groundhog.audit.lens import Lens, Sight
from groundhog.audit.outside import Folder
from groundhog.audit.repetition import DRAWS, FOREIGN, Draw, Repetition, compare
from groundhog.config import Jail
from groundhog.errors import GroundhogError, ProtocolError
from groundhog.observer import Endings
from groundhog.pool import Pool
from groundhog.protocols.actionloop import DRAW
from groundhog.removal import remove
from groundhog.runners import command_for

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from groundhog.audit.outside import Left
    from groundhog.config import Function, Limits

_PAUSE_S = 0.005
COMPARED = 10
"""Payloads, at most, whose answers are compared with those of new processes, which take a while to start."""
LATER = 3
"""Requests to each of those: only the first takes longer."""
CONFIRMED, SECONDS = 6, 2.1
"""Requests, and seconds that they take in all, until what they answer alike is no chance."""
PROCESSES = 4
"""So many, and they are replaced too often to be compared."""
UNSEEN = (
    "without a jail, files that requests left elsewhere than in its working directory and its folder for"
    " temporary files were not looked for, or may be anybody's"
)
SHARED_FOLDERS = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 - where functions leave files


@dataclass(frozen=True)
class Request:
    """One request under isolation, what it left, and what became of it."""

    number: int
    payload: int  # which of the payloads, from 0
    said: Said
    sight: Sight
    restore: dict[str, Any] | None  # what the restore did; None when the process was retired
    retired: str | None  # why
    remains: list[Left]  # what a look from outside still finds afterwards

    @property
    def verified(self) -> bool:
        """Nothing of it can be in the process that serves the next request."""
        return self.retired is not None or bool(self.restore and self.restore["verified"])


@dataclass
class Audit:
    """All of it."""

    function: str
    strategy: str
    payloads: list[Any]
    unisolated: list[Said] = field(default_factory=list)  # in the order of the payloads
    requests: list[Request] = field(default_factory=list)  # forwards, then backwards
    shown: list[Leak] = field(default_factory=list)  # leaks without isolation
    leaks: list[Leak] = field(default_factory=list)  # leaks with it
    changed: list[int] = field(default_factory=list)  # payloads whose answer isolation changes
    unstable: list[int] = field(
        default_factory=list
    )  # payloads whose answer differs from itself under isolation
    repetition: Repetition = field(default_factory=Repetition)
    repeats: list[Repeat] = field(default_factory=list)  # identifiers in answers that restored requests share
    connections: str = ""  # what became of processes whose connections requests used, and why
    notes: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Nothing was left after any restore, no random numbers come back that must not, and the function was
        seen at work: of one that only fails nothing is known.
        """
        if self.payloads and len(self.never_served) == len(self.payloads):
            return False
        if self.leaks or self.repeats or not self.repetition.clean:
            return False
        return all(request.verified and not request.remains for request in self.requests)

    @property
    def never_served(self) -> list[int]:
        """Payloads with which the function failed each time under isolation: so little of it was seen."""
        return [
            at
            for at in range(len(self.payloads))
            if all(request.said.failed for request in self.requests if request.payload == at)
        ]

    def conclude(self) -> None:
        """Compare the answers."""
        count = len(self.payloads)
        forwards, backwards = self.requests[:count], self.requests[count:]
        first = [request.said for request in forwards]
        second = [request.said for request in reversed(backwards)]
        order = range(count)
        self.shown = leaks(order, self.payloads, self.unisolated, first)
        self.changed = [at for at in order if self.unisolated[at].answer != first[at].answer]
        self.unstable = [at for at in order if first[at].answer != second[at].answer]
        both = [request.payload for request in self.requests]
        said = [request.said for request in self.requests]
        said_first: dict[str, int] = {}
        for at in order:
            for text in texts(self.payloads[at]):
                said_first.setdefault(text, at)

        def is_own(leak: Leak) -> bool:
            """A text that comes in whatever order is the function's own. But one that a payload had to say
            first, ever, is kept somewhere: in a service, or in a file without a jail.
            """
            at = both[leak.request - 1]
            if not (first[at].contains(leak.text) and second[at].contains(leak.text)):
                return False
            return said_first[leak.text] < at or self.unisolated[at].contains(leak.text)

        self.leaks = [
            leak for leak in leaks(both, self.payloads, said, [Said("")] * count) if not is_own(leak)
        ]


class _Endings(Endings):
    """Less those of processes that are replaced without a request's doing."""

    def on_retire(self, reason: str, message: str) -> None:
        if reason != "superseded":
            super().on_retire(reason, message)


async def audit(
    function: Function,
    payloads: Sequence[Any],
    limits: Limits,
    strategy: str | None,
    jail: str,
    network: str,
    progress: Callable[[], None],
) -> Audit:
    """Serve the payloads without isolation, then with it, forwards and backwards; at last have the process
    draw random numbers.

    ``progress`` is called after each request.

    Raises:
        GroundhogError: the function does not start.

    """
    scratch = str(temporary.folder("audit"))
    try:
        function = dataclasses.replace(function, env={**function.env, "TMPDIR": scratch})
        lens = Lens(_folders(function, Path(scratch)))
        result = Audit(function.name, "", list(payloads))
        async with Pool(function, 1, "off", limits, jail=jail, network=network) as pool:
            for payload in payloads:
                result.unisolated.append(await _said(pool, payload))
                progress()
        count = len(payloads)
        after = _Endings()
        async with Pool(
            function,
            1,
            "request",
            limits,
            strategy,
            verify=True,
            jail=jail,
            network=network,
            engine=lens,
            observer=after,
        ) as pool:
            for number, payload in enumerate([*range(count), *reversed(range(count))], start=1):
                request = await _request(pool, lens, after, number, payload, payloads[payload])
                result.requests.append(request)
                if request.restore is not None:
                    result.strategy = request.restore["strategy"]
                progress()
            result.repetition = await _repetition(pool, after, progress)
            result.repeats, failed = await _repeats(payloads, function, limits, pool, jail, network, progress)
            result.connections = pool.stats().connections
        result.notes += [
            f"it failed with payload {at + 1} when its answers were to be compared: identifiers that repeat"
            " were not looked for in them"
            for at in failed
            if at not in result.never_served
        ]
        if jail == Jail.NONE.value:
            result.notes.append(UNSEEN)
        result.notes += [f"{path} has too many files to look at" for path in lens.too_large()]
        result.conclude()
        return result
    finally:
        with contextlib.suppress(OSError):
            remove(Path(scratch))


def _folders(function: Function, scratch: Path) -> list[Folder]:
    cwd = Path(command_for(function).cwd or ".").resolve()
    folders = [Folder(scratch, own=True, deep=True)]
    if cwd != Path(cwd.anchor) and str(cwd) not in SHARED_FOLDERS:
        folders.append(Folder(cwd, own=True, deep=True))
    home = command_for(function).env.get("HOME") or "/"
    shared = dict.fromkeys((*SHARED_FOLDERS, home))
    folders += [Folder(Path(path), own=False, deep=False) for path in shared if Path(path) != cwd]
    return folders


async def _said(pool: Pool, payload: Any) -> Said:
    try:
        reply = await pool.invoke(payload)
    except GroundhogError as error:
        printed = getattr(error, "stdout", "") + getattr(error, "stderr", "")
        # After an answer that could not be understood there is a restore, after all others a new process.
        why = re.sub(r"\bprocess \d+", "process", str(error))  # the same whichever process it was
        return Said(f"no answer: {why}", printed, failed=True, ended=not isinstance(error, ProtocolError))
    return Said(encoded(reply.value), reply.stdout + reply.stderr, failed=reply.raised)


async def _ready(pool: Pool) -> int:
    """The process that will serve, once it is clean."""
    while True:
        if pool.start_error is not None:
            raise pool.start_error
        if pool.next_pid is not None:
            return pool.next_pid
        await asyncio.sleep(_PAUSE_S)


async def _request(pool: Pool, lens: Lens, after: Endings, number: int, payload: int, value: Any) -> Request:
    pid = await _ready(pool)
    after.known()  # what happened before does not count
    lens.point_at(pid)
    said = await _said(pool, value)
    event = (after.retirement() or "not served") if said.ended else await after.events.get()
    if isinstance(event, str):
        sight = lens.sight or Sight(unseen="the process was ended before it could be looked at")
        return Request(number, payload, said, sight, None, event, [])
    sight = lens.sight or Sight(unseen="it was not looked at")
    replaced = after.retirement()  # once it was reverted: nothing of it remains
    # Nor of one that has given way to a better one, which no request's doing is.
    remains = lens.remains() if pid in pool.pids else []
    return Request(number, payload, said, sight, event.as_dict(), replaced, remains)


async def _repeats(
    payloads: Sequence[Any],
    function: Function,
    limits: Limits,
    isolated: Pool,
    jail: str,
    network: str,
    progress: Callable[[], None],
) -> tuple[list[Repeat], list[int]]:
    """Compare what requests answer with what others do that had no snapshot; which payloads failed then."""
    found: list[Repeat] = []
    failed: list[int] = []
    for at in _compared(payloads):
        payload, said = payloads[at], []
        for _ in range(2):
            async with Pool(function, 1, "off", limits, jail=jail, network=network) as fresh:
                said += [await _said(fresh, payload) for _ in range(LATER)]
            progress()
        if any(one.failed for one in said):
            failed.append(at)
            continue
        values = [json.loads(one.answer) for one in said]
        first, then = (values[0], values[LATER]), (values[LATER - 2], values[LATER - 1])
        # Two may be alike by chance, or by the time, of which some have only the seconds.
        for count, seconds in ((2, 0.0), (CONFIRMED, SECONDS)):
            answers = await _of_one_process(isolated, payload, count, seconds)
            if answers is None:
                failed.append(at)
                break
            repeats = identifiers.find(at, Samples(first, then, answers)) if answers else []
            if not repeats:
                if answers and identifiers.differ(values[:LATER]):
                    found += await _repeats_among(at, payload, function, limits, isolated, jail, network)
                break
        else:
            found += repeats
    return found, failed


def _compared(payloads: Sequence[Any]) -> list[int]:
    """Of which payloads the answers are compared so: the first ones that differ."""
    first: dict[str, int] = {}
    for at, payload in enumerate(payloads):
        first.setdefault(encoded(payload), at)
    return list(first.values())[:COMPARED]


async def _repeats_among(
    at: int, payload: Any, function: Function, limits: Limits, isolated: Pool, jail: str, network: str
) -> list[Repeat]:
    """Those that a few of restored requests' answers have, and no two without isolation."""
    answers = await _of_one_process(isolated, payload, identifiers.SEVERAL, 0.0)
    if not answers or not identifiers.recur(answers):
        return []
    async with Pool(function, 1, "off", limits, jail=jail, network=network) as fresh:
        said = [await _said(fresh, payload) for _ in range(identifiers.SEVERAL)]
    if any(one.failed for one in said):
        return []
    return identifiers.find_among(at, [json.loads(one.answer) for one in said], answers)


async def _of_one_process(pool: Pool, payload: Any, count: int, seconds: float) -> list[Any] | None:
    """So many answers of one process, or more, that take so long in all; none of one that is replaced each
    time. None: it failed.
    """
    answers: dict[int, list[Any]] = {}
    begun: dict[int, float] = {}
    while len(answers) < PROCESSES:
        pid = await _ready(pool)
        begun.setdefault(pid, time.monotonic())
        said = await _said(pool, payload)
        if said.failed:
            return None
        mine = answers.setdefault(pid, [])
        mine.append(json.loads(said.answer))
        if len(mine) >= count:
            left = begun[pid] + seconds - time.monotonic()
            if left <= 0:
                return mine
            await asyncio.sleep(left / 2 + _PAUSE_S)
    return []


async def _repetition(pool: Pool, after: Endings, progress: Callable[[], None]) -> Repetition:
    """Have restored requests draw from all random number generators."""
    await _ready(pool)
    if not pool.takes_control:
        return Repetition(unexamined=FOREIGN)
    draws: list[Draw] = []
    failure = ""
    for _ in range(DRAWS):
        pid = await _ready(pool)
        after.known()
        try:
            reply = await pool.control(DRAW)
        except GroundhogError as error:
            failure = str(error)
            break
        draw = Draw.parse(pid, reply.value)
        if draw is None:
            # A helper's program takes the line for none of its own, and says so by an empty object.
            failure = encoded(reply.value) if reply.value != {} else FOREIGN
            break
        draws.append(draw)
        await after.events.get()
        progress()
    made = compare(draws)
    if failure and made.unexamined:
        made.unexamined = failure
    elif failure:
        made.notes.append(f"a request that was to draw failed: {failure}")
    return made


def requests_of(payloads: Sequence[Any]) -> int:
    """How many requests an audit with these payloads takes."""
    return 3 * len(payloads) + DRAWS + 2 * len(_compared(payloads))
