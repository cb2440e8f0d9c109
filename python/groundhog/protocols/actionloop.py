r"""ActionLoop, the protocol of OpenWhisk's language runtimes, from the side that calls.

Theory of operation. A function process reads one line of JSON per request from its stdin::

    {"value": {...}, "activation_id": "...", "deadline": "1735689600000", ...}\n

and writes one line of JSON per request to file descriptor 3. One request is under way at a time, so the
answer to a request is the one line that follows it: more bytes than that line mean that the process no longer
keeps the protocol, and nothing it says can be attributed to a request any more. With ``OW_WAIT_FOR_ACK`` set,
a process first writes ``{"ok": true}``, or ``{"ok": false, "error": "..."}`` when it cannot serve.

Our own launchers, and programs that use one of our helpers, add ``"groundhog": 1`` to that line. Only to them
we send control lines, which carry the member "groundhog" where a request carries "value":
``{"groundhog": "noop"}`` takes the path of a request without calling the function,
``{"groundhog": "prepare"}`` announces the snapshot, ``{"groundhog": "draw"}`` asks for numbers of every
generator in the process, which audits compare. ``{"groundhog": "hooks"}`` is a noop that comes right after a
restore, so that the hooks for that moment run before a request is there. ``{"groundhog": "finish"}`` comes
after an answer, to those who have hooks for the moment before a restore, and is answered as "prepare" is.

"prepare" may have ``"connections": "drop"``: then they close idle connections that open again on demand, if
they know any. They answer ``{"ok": true, "hooks": false, "before_restore": false}``, or
``{"ok": false, "error": "..."}`` when a hook of the function failed. With "hooks" true, `HOOKS_DONE` stands
before the first answer after a restore, and comes as soon as the function's hooks for that moment have run; a
line that begins with `HOOK_FAILED` tells of one that failed, and the process ends.

Before each of their lines stands a `Freshness`: "@", then random numbers and the time, by which the launcher
makes the function's generators differ from those of all other requests, and a token. It repeats the token
before the newline of its answer once it has done so: an answer without it is no answer.

The answer of a function that raised ends, from our launchers, with `RAISED`: white space to anybody else.

The decoder has two states, *idle* (no answer is owed: any byte is stray) and *awaiting*; `expect` leads from
the first to the second, a newline back.
"""

from __future__ import annotations

import json
from binascii import hexlify
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeGuard

from groundhog._collector import paused_for
from groundhog.errors import HookError, InvalidRequestError, PayloadTooLargeError, ProtocolError
from groundhog.protocols import json_text
from groundhog.protocols.json_text import JsonLine

if TYPE_CHECKING:
    from collections.abc import Mapping

NOOP = b'{"groundhog":"noop"'
PREPARE = b'{"groundhog":"prepare"}\n'
PREPARE_DROPPING = b'{"groundhog":"prepare","connections":"drop"}\n'
"""Idle connections that a client library opens again by itself are better closed before."""
HOOKS = b'{"groundhog":"hooks"}\n'
DRAW = b'{"groundhog":"draw"}\n'
FINISH = b'{"groundhog":"finish"}\n'
HOOKS_DONE = b" "
HOOK_FAILED = b'{"groundhog":"hook"'
"""How the line begins that says so."""
NOT_AN_OBJECT = "The action did not return a dictionary or array."
"""OpenWhisk's words; its compatibility kit compares them."""

NO_MEMORY = "the function's answer takes more memory than there is for it here"

RAISED = b" "
"""Between an answer and its newline, from our launchers: the function raised, it did not return that."""

_ENTROPY, _TOKEN = 32, 16  # bytes

_LONGEST_SAID = 256 << 10
"""Bytes that an acknowledgement may have, or what tells of a hook that failed. The event loop reads them, and
the log quotes them.
"""

_RESERVED = frozenset({"value", "groundhog"})


_encode_text = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
_encode_ascii = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def _encode(value: Any) -> JsonLine:
    """JSON in UTF-8, in one line."""
    try:
        return json_text.line(_encode_text(value).encode("utf-8"))
    except UnicodeEncodeError:  # half a surrogate pair: only an escape can carry it
        return JsonLine(_encode_ascii(value).encode("ascii"))


def encode_value(value: Any, limit: int) -> JsonLine:
    """A request's parameters as JSON in one line, at most ``limit`` bytes of it. What a front end received as
    JSON, and has checked, stays as it is.

    Raises InvalidRequestError if ``value`` is not JSON, PayloadTooLargeError if it is too long.
    """
    if isinstance(value, JsonLine):
        encoded = value
    else:
        try:
            encoded = _encode(value)
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidRequestError(f"the parameters are not JSON: {error}") from None
    if len(encoded) > limit:
        raise PayloadTooLargeError(f"the request is {len(encoded)} bytes of JSON, the limit is {limit}")
    return encoded


def encode_context(context: Mapping[str, Any] | None) -> bytes:
    """The further members of a request message, each with a comma before it.

    Raises InvalidRequestError if they are not JSON, bear a name that the protocol needs itself, or cannot
    become variables of the environment, as functions have them.
    """
    if not context:
        return b""
    if not _RESERVED.isdisjoint(context):
        name = min(_RESERVED.intersection(context))
        raise InvalidRequestError(
            f"the context of a request cannot have a member {name!r}: the protocol uses it"
        )
    for name, item in context.items():
        text = str(name)  # JSON takes numbers for names, too
        if "=" in text or not _fits_environment(text):
            raise InvalidRequestError(f"a member of a request's context cannot have the name {name!r}")
        if isinstance(item, str) and not _fits_environment(item):
            message = f"the member {name!r} of a request's context has a zero byte or half a surrogate pair"
            raise InvalidRequestError(message)
    try:
        return b"," + _encode(dict(context))[1:-1]
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidRequestError(f"the context of the request is not JSON: {error}") from None


def _fits_environment(text: str) -> bool:
    if "\0" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def request_line(value: bytes, context: bytes) -> bytes:
    """The line of one request, of what `encode_value` and `encode_context` made."""
    return b'{"value":%b%b}\n' % (value, context)


def noop_line(context: bytes = b"") -> bytes:
    """The line that takes a launcher of ours through all of a request but the function."""
    return NOOP + context + b"}\n"


def encode_request(params: Any, context: Mapping[str, Any] | None = None, limit: int = 64 << 20) -> bytes:
    """The line of one request. Raises as `encode_value` and `encode_context` do."""
    return request_line(encode_value(params, limit), encode_context(context))


class Freshness:
    """What makes a request differ from all others; all of it in hexadecimal digits."""

    __slots__ = ("prefix", "token")

    SIZE: ClassVar[int] = _ENTROPY + _TOKEN
    """How many random bytes it is made of."""

    def __init__(self, random: bytes, now_ns: int) -> None:
        """Of `SIZE` random bytes, and the time in nanoseconds since 1970: clones of a machine may draw the
        same numbers, for a moment.
        """
        digits = hexlify(random[:_ENTROPY] + now_ns.to_bytes(8, "big") + random[_ENTROPY:])
        self.prefix = b"@" + digits
        """What stands before the line: the seed, and the token."""
        self.token = digits[-2 * _TOKEN :]
        """What the answer has to repeat."""

    def acknowledged(self, line: bytes) -> bytes:
        """The answer in ``line``.

        Raises ProtocolError if it does not say that the random numbers are fresh, HookError if a hook failed.
        """
        if line.endswith(self.token):  # whatever the function answers, it is an answer
            return line[: -len(self.token)]
        if line.startswith(HOOK_FAILED):
            raise HookError(f"a hook after the restore failed: {_member(line, 'error')}")
        raise ProtocolError(
            f"the function process answered without saying that its random numbers are fresh: {excerpt(line)}"
        )


@dataclass(frozen=True, slots=True)
class Ack:
    """What a process says when it has loaded, or could not."""

    ok: bool
    error: str = ""
    exited: bool = False
    """Whether it could not, since it was ended by its own code."""
    control: bool = False
    """Whether it understands control lines: it is a launcher of ours."""
    hooks: bool = False
    """Whether the function has hooks that run after each restore."""
    before_restore: bool = False
    """Whether it has hooks that run before each."""


def parse_ack(line: bytes) -> Ack:
    """The acknowledgement in ``line``, of having loaded, of "prepare" or "finish"; ProtocolError if it is
    none.
    """
    try:
        parsed = json_text.decode(line.decode("utf-8")) if len(line) <= _LONGEST_SAID else None
    except (ValueError, RecursionError):
        parsed = None
    if not isinstance(parsed, dict) or not isinstance(parsed.get("ok"), bool):
        raise ProtocolError(
            f'expected the acknowledgement {{"ok": true}} on descriptor 3, got {excerpt(line)}'
        )
    error = parsed.get("error", "")
    return Ack(
        ok=parsed["ok"],
        error=error if isinstance(error, str) else str(error),
        exited=parsed.get("exited") is True,
        control="groundhog" in parsed,
        hooks=parsed.get("hooks") is True,
        before_restore=parsed.get("before_restore") is True,
    )


def _member(line: bytes, name: str) -> str:
    if len(line) > _LONGEST_SAID:
        return excerpt(line)
    try:
        return str(json_text.decode(line.decode("utf-8"))[name])
    except (ValueError, RecursionError, LookupError, TypeError):
        return excerpt(line)


def is_failure(value: Any) -> TypeGuard[dict[str, Any]]:
    """Whether an answer is an object with the one member ``error``: how a runner reports an exception."""
    return isinstance(value, dict) and value.keys() == {"error"}


def is_failed(line: bytes) -> bool:
    """Whether the answer in ``line`` is an object with the one member ``error``.

    Raises ProtocolError if it is not JSON, or neither an object nor an array.
    """
    try:
        kind = json_text.kind(line)
    except RecursionError:
        raise ProtocolError("the function's answer is nested too deeply") from None
    except ValueError as error:
        raise ProtocolError(f"the function's answer is not JSON ({error}): {excerpt(line)}") from None
    if kind == "scalar":
        raise ProtocolError(NOT_AN_OBJECT)
    return kind == "failure"


def parse_answer(line: bytes) -> dict[str, Any] | list[Any]:
    """The answer in ``line``. Raises ProtocolError as `is_failed` does, and if there is no room for it."""
    is_failed(line)
    try:
        with paused_for(len(line)):
            value: dict[str, Any] | list[Any] = json_text.decode(line.decode("utf-8"))
    except MemoryError:
        raise ProtocolError(NO_MEMORY) from None
    return value


def excerpt(line: bytes, length: int = 80) -> str:
    """The start of what a process wrote, fit for a message of one line."""
    shown = ascii(line[:length].decode("utf-8", "replace"))
    return f"{shown} and {len(line) - length} bytes more" if len(line) > length else shown


class AnswerDecoder:
    """Finds the one answer line in what a process writes to its answer descriptor, however it is cut up."""

    __slots__ = ("_allowed", "_awaiting", "_begun", "_limit")

    def __init__(self, limit: int) -> None:
        """``limit``: the longest line in bytes, without its newline."""
        self._limit = self._allowed = limit
        self._begun = bytearray()  # not the pieces: of one byte each, they would take forty times as much
        self._awaiting = False

    @property
    def awaiting(self) -> bool:
        """Whether an answer is owed and not complete."""
        return self._awaiting

    @property
    def pending(self) -> int:
        """Bytes of an answer that has begun and is not complete."""
        return len(self._begun)

    def expect(self, framing: int = 0) -> None:
        """A request has been handed over: one line is owed, with ``framing`` bytes beyond the limit."""
        if self._awaiting:
            raise ProtocolError("a request was sent before the last one was answered")
        self._awaiting = True
        self._allowed = self._limit + framing
        self._begun.clear()

    def cancel(self) -> None:
        """No answer is owed any more: the process is reverted, or gone."""
        self._awaiting = False
        self._begun.clear()

    def feed(self, data: bytes) -> bytes | None:
        """Take what was read; the line, without its newline, when it is complete.

        Raises ProtocolError for bytes that nobody asked for, PayloadTooLargeError for a line beyond the
        limit. After an error the process cannot be understood any more.
        """
        if not data:
            return None
        if not self._awaiting:
            raise ProtocolError(f"the function process wrote {excerpt(data)} though no answer was owed")
        newline = data.find(b"\n")
        size = len(self._begun) + (newline if newline >= 0 else len(data))
        if size > self._allowed:
            self.cancel()
            raise PayloadTooLargeError(
                f"the function's answer is longer than the limit of {self._limit} bytes"
            )
        if newline < 0:
            self._begun += data
            return None
        if newline + 1 < len(data):
            self.cancel()
            rest = data[newline + 1 :]
            raise ProtocolError(
                f"the function process wrote more than one line for one request: then {excerpt(rest)}"
            )
        line = data[:newline]
        if self._begun:
            self._begun += line
            line = bytes(self._begun)
        self.cancel()
        return line
