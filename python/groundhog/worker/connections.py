"""Whether a process may serve on once a request has used a connection that is older than it.

The server at the other end knows of that request, so the connection cannot be put back: the engine shuts it
down at the restore. Many client libraries connect anew then. Others fail, in every later request, since each
of these begins at the same snapshot. Nobody can tell from outside which kind it is; but the rehearsal can try
it. Its first restore shuts the connections that the warm-up used, and the warm-up that follows shows how the
function takes it.

A connection that the rehearsal shut stays shut for all requests to that process, by the warm-up or by a hook
that runs after each restore. So one that is shut later was not tried: there is no evidence, and the process
is replaced. That there are hooks is none, as most have to do with something else. And later requests would
find that connection at its end, or not, by whether an earlier one had used it.
"""

from __future__ import annotations

import json
from collections import deque
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any

from groundhog._log import log
from groundhog._text import shown
from groundhog.config import Connections
from groundhog.errors import ProtocolError
from groundhog.protocols.actionloop import excerpt, is_failure, parse_answer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

USED = "connections-used"
"""The reason for which a process is retired."""
_MORE_TRIALS = 8
"""How often the warm-up is sent again, as long as that shuts further connections, such as those of a pool."""
_EQUAL = 2
"""Answers that have to agree before another one counts as different."""
_LONGEST = 200
"""Characters of an error that are shown."""
_PATIENCE_S = (0.0, 0.1, 0.5, 2.0)
"""How long connections may take to come to rest before the snapshot; the next one, where they did not."""
_ANSWERED_WITHIN_S = 2.0
"""How long connections may wait for an answer before the snapshot."""
_ADVICE = "connect in the request, or in a hook after the restore (docs/tuning.md, Connections)"


def failure(error: object) -> str:
    """What to say of one: libraries write paragraphs."""
    text = shown(str(error))
    return f"failed ({text[:_LONGEST]}...)" if len(text) > _LONGEST else f"failed ({text})"


class SpentError(Exception):
    """A process came up, but its rehearsal took connections from it that the function needs."""


class ConnectionPolicy:
    """What becomes of the processes of one pool; one for all its workers."""

    def __init__(self, configured: Connections, name: str, *, has_warmup: bool) -> None:
        """``name``: the function's, for the log. ``has_warmup``: whether there is a warm-up to judge by."""
        self.judges = configured is Connections.AUTO
        """Whether the rehearsal decides."""
        self._configured = configured
        self._name = name
        self._has_warmup = has_warmup
        self._failure = ""
        self._shut = ""
        self._told = False
        self._unsettled = 0
        self._expects_answers = True

    @property
    def drops_idle(self) -> bool:
        """Whether idle connections that a library opens again by itself are closed before the snapshot."""
        return self.judges

    @property
    def uses_up(self) -> bool:
        """Whether processes are known to be of no use any more without their connections."""
        return self._configured is Connections.REPLACE or bool(self._failure)

    @property
    def patience_s(self) -> float:
        """How long a process is given before its snapshot, for connections that are still being opened."""
        return _PATIENCE_S[min(self._unsettled, len(_PATIENCE_S) - 1)]

    @property
    def serves_on(self) -> bool:
        """Whether processes serve on without their connections, whatever comes of it."""
        return self._configured is Connections.SHUT

    @property
    def expects_rest(self) -> bool:
        """Whether it is still to be found out if connections are used without a request."""
        return not self.serves_on and self._unsettled < len(_PATIENCE_S)

    @property
    def answered_within_s(self) -> float:
        """How long a process is given before its snapshot while its connections wait for an answer."""
        return _ANSWERED_WITHIN_S if self._expects_answers and not self.serves_on else 0.0

    def unanswered(self) -> None:
        """No answer came in that time, so none is expected: who keeps a log at the other end gives none."""
        self._expects_answers = False

    def unsettled(self, patience_s: float) -> None:
        """A process used connections between its snapshot and its first request, though it was given that
        time: they were still being opened, say. Each later request would find them shut, and not for want of
        connecting again.
        """
        if patience_s == self.patience_s:  # else others that started beside it have said so
            self._unsettled += 1
        if not self.expects_rest:
            self.unprompted()

    def unprompted(self) -> None:
        """A process uses connections by itself, again and again: what its warm-up says is no evidence."""
        self._needs("the function uses such a connection without a request, too")

    def passed(self) -> None:
        """A rehearsal shut connections, and the warm-up was answered as before."""
        self._shut = "the warm-up was answered as well without them"

    def failed(self, how: str) -> None:
        """A rehearsal shut connections, and the warm-up was not answered as before."""
        self._needs(f"with such a connection shut down, {how}")

    def _needs(self, why: str) -> None:
        self._failure = self._failure or why
        self._tell()

    def replaces(self) -> bool:
        """Whether a process is to be replaced that a request has just cost a connection."""
        replaces = self.uses_up or self.judges
        if replaces:
            self._tell()
        else:
            self._shut = "so it is configured"
        return replaces

    def explain(self) -> str:
        """What becomes of the processes, and why; empty as long as no connection was used."""
        if self._told:
            return (
                "Processes are replaced once a request has used a connection that is older than it:"
                f" {self._why()}. To keep them, {self._advice()}."
            )
        if self._shut:
            return (
                "Connections that are older than a request which used them are shut down, and processes serve"
                f" on: {self._shut}."
            )
        return ""

    def _why(self) -> str:
        if self._configured is Connections.REPLACE:
            return "so it is configured"
        if self._failure:
            return self._failure
        if self._has_warmup:
            return (
                "neither the warm-up nor a hook uses that connection, so whether the function connects again"
                " is unknown"
            )
        return "without a warm-up, whether the function connects again is unknown"

    def _advice(self) -> str:
        if self._failure or self._configured is Connections.REPLACE:
            return _ADVICE
        return f"give a warm-up that uses the connection, or {_ADVICE}"

    def _tell(self) -> None:
        if not self._told:
            self._told = True
            log.warning(
                "processes are replaced once a request has used an older connection",
                function=self._name,
                why=self._why(),
                advice=self._advice(),
            )


class Trial:
    """What one process answers to its warm-up, with its connections and once they are shut down."""

    def __init__(self, requests: Sequence[bytes]) -> None:
        """``requests``: the warm-up as JSON, in order; the same one may come several times."""
        self.all = requests
        self._numbers = {request: number for number, request in reversed(list(enumerate(requests, start=1)))}
        self._said: dict[bytes, deque[bytes]] = {request: deque(maxlen=_EQUAL) for request in requests}
        self._owed: list[bytes] = []
        self._hooks_failed = False
        self._quiet = False
        self.shut = False
        """A restore has shut connections."""
        self.unprompted = False
        """They were used by what is no request: the same requests had left them alone."""

    @property
    def settled(self) -> bool:
        """Whether all of the warm-up has been answered since a connection was shut for the last time."""
        return not self._owed

    def others(self) -> list[bytes]:
        """All but the first of `requests`, once each: to be sent before the first restore, so that all have
        been answered twice before a connection is shut, and the first restore tells whether any uses one.
        """
        return list(self._said)[1:]

    def requests(self, rounds: int) -> Iterator[bytes]:
        """What to send, with a restore after each: so many, and then what is missing to settle it."""
        yield from islice(cycle(self.all), rounds)
        for _ in range(_MORE_TRIALS):
            yield from list(self._owed)

    def restored(self, connections_shut: int) -> None:
        """The process has been reverted."""
        if connections_shut:
            self.unprompted = self.unprompted or (self._quiet and not self.shut)
            self.shut = True
            self._owed = sorted(self._numbers, key=self._numbers.__getitem__)
        self._quiet = True

    def answered(self, request: bytes, answer: bytes) -> str | None:
        """Note an answer; what is wrong with it, once connections have been shut."""
        said = self._said[request]
        if not self.shut:
            said.append(answer.rstrip(b" "))
            return None
        if wrong := self._fault(said, answer.rstrip(b" ")):
            return f"{self.name(request)} {wrong}"
        if request in self._owed:
            self._owed.remove(request)
        return None

    def finished(self, error: str) -> str | None:
        """Note how the hooks before a restore fared: an error, or none. What is wrong with them, once
        connections have been shut.
        """
        if not self.shut:
            self._hooks_failed = self._hooks_failed or bool(error)
        elif error and not self._hooks_failed:
            return f"a hook before a restore {failure(error)}"
        return None

    def name(self, request: bytes) -> str:
        """How messages call it."""
        return f"warm-up request {self._numbers[request]}"

    @staticmethod
    def _fault(said: deque[bytes], answer: bytes) -> str | None:
        try:
            value = parse_answer(answer)
        except ProtocolError as error:
            return failure(error)
        if is_failure(value):
            return failure(value["error"])
        if len(said) == _EQUAL and answer not in said and _is_other(said, value):
            return f"was answered by {excerpt(answer)} instead of {excerpt(said[-1])}"
        return None


def _is_other(said: deque[bytes], value: Any) -> bool:
    """Whether an answer is another one than those."""
    try:
        return _differs([parse_answer(answer) for answer in said], value)
    except ProtocolError:  # they were no better
        return False
    except RecursionError:
        return True


def _differs(said: list[Any], value: Any) -> bool:
    """Whether a value differs from earlier ones in what these have in common: a time or an identifier in them
    differs anyway, and the status or the kind of what stands beside it does not.
    """
    if all(its == said[0] for its in said):
        return bool(value != said[0])
    kinds = {_kind(its) for its in said}
    if len(kinds) > 1:
        return False
    if {_kind(value)} != kinds:
        return True
    if isinstance(value, dict):
        if all(its.keys() == said[0].keys() for its in said) and value.keys() != said[0].keys():
            return True
        common = [name for name in said[0] if all(name in its for its in said)]
        return any(name not in value or _differs([its[name] for its in said], value[name]) for name in common)
    if isinstance(value, list) and all(len(its) == len(said[0]) for its in said):
        return len(value) != len(said[0]) or any(
            _differs([its[at] for its in said], part) for at, part in enumerate(value)
        )
    if isinstance(value, str):  # a body, as those of web functions are
        return _differs_within([*said, value])
    return False


def _differs_within(texts: list[str]) -> bool:
    if not all(text.startswith(("{", "[")) for text in texts[:-1]):
        return False
    try:
        *said, value = (json.loads(text) for text in texts)
    except (ValueError, RecursionError):
        return False
    return _differs(said, value)


def _kind(value: Any) -> type:
    return float if type(value) is int else type(value)
