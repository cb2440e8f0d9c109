"""Which answers tell of earlier requests: texts of earlier payloads are looked for in later answers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SHORTEST = 3  # characters; shorter texts are found everywhere
SHORTEST_NAME = 6  # of members: most are words of the function's own, which it may say now and then


@dataclass(frozen=True)
class Said:
    """What a function answered, and printed meanwhile."""

    answer: str  # JSON, or why there was none
    printed: str = ""
    failed: bool = False
    ended: bool = False  # there was no answer, and the process is gone

    def contains(self, text: str) -> bool:
        """Whether it is said anywhere."""
        return text in self.answer or text in self.printed


@dataclass(frozen=True)
class Leak:
    """A text of one request in the answer to a later one. Requests are numbered from 1."""

    request: int
    text: str
    source: int

    def __str__(self) -> str:
        """For people."""
        return f"request {self.request}'s answer contained {self.text!r} from request {self.source}"


def encoded(value: Any) -> str:
    """The same text for the same value, readable."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def texts(value: Any) -> Iterator[str]:
    """The texts that a payload brings, also those that look like numbers, and names of members, which may be
    articles or addresses.
    """
    match value:
        case dict():
            for name, member in value.items():
                if len(name) >= SHORTEST_NAME:
                    yield _as_shown(name)
                yield from texts(member)
        case list():
            for item in value:
                yield from texts(item)
        case str() if len(value) >= SHORTEST:
            yield _as_shown(value)
        case int() | float() if not isinstance(value, bool) and len(str(value)) > SHORTEST:
            yield str(value)
        case _:
            pass


def _as_shown(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


def leaks(
    order: Sequence[int], payloads: Sequence[Any], said: Sequence[Said], clean: Sequence[Said]
) -> list[Leak]:
    """Texts of earlier requests in later answers.

    ``order``: which payload each request had. ``said``: what each request was answered. ``clean``: for each
    payload an answer under other circumstances: a text that is there, too, is the function's own.
    """
    found = []
    for at, number in enumerate(order):
        own = encoded(payloads[number])
        earlier: dict[str, int] = {}
        for before, source in enumerate(order[:at]):
            for text in texts(payloads[source]):
                earlier.setdefault(text, before + 1)
        found += [
            Leak(at + 1, text, source)
            for text, source in earlier.items()
            if said[at].contains(text) and text not in own and not clean[number].contains(text)
        ]
    return found
