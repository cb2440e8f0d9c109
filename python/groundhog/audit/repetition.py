"""Whether random number generators repeat themselves: what they gave to restored requests, compared."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Verdict = Literal["differs", "repeats", "refused", "not compared"]

DRAWS = 20
"""Requests that draw. Two would do for a generator that has one state; threads of a pool have one each."""
FOREIGN = (
    "it is a program of its own, and only Groundhog's launchers for Python and Node can be asked to draw"
)
NO_ANSWER = "the process did not say what it drew"
NEVER_TWICE = "no process was asked to draw twice: each was replaced after its request"
NAMELESS = "one that no module reaches by name"
KNOWN_ADVICE = "two callers get the same; do not serve this function, or only with --isolation off"
PRIVATE_ADVICE = (
    "make it in the request, or seed it there, or have an after-restore hook seed it or make a new one"
)


@dataclass(frozen=True)
class Draw:
    """What one request drew."""

    pid: int
    drawn: Mapping[str, str]  # of the generators that a launcher knows, by their names
    refused: Mapping[str, str]  # why some gave nothing
    private: Sequence[Mapping[str, str]]  # those that belong to the function, or to libraries
    notes: Sequence[str]

    @classmethod
    def parse(cls, pid: int, value: Any) -> Draw | None:
        """The answer of a launcher; None if it is none."""
        match value:
            case {
                "drawn": dict(drawn),
                "refused": dict(refused),
                "private": list(private),
                "notes": list(notes),
            }:
                entries = [_texts(one) for one in private if isinstance(one, dict)]
                return cls(pid, _texts(drawn), _texts(refused), entries, list(map(str, notes)))
        return None


def _texts(value: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(text) for name, text in value.items()}


@dataclass(frozen=True)
class Known:
    """A generator that must not repeat: a launcher reseeds it, or it asks the kernel, or it makes keys."""

    name: str
    verdict: Verdict
    note: str = ""  # why it gave nothing

    def __str__(self) -> str:
        """For people."""
        return self.name


@dataclass(frozen=True)
class Private:
    """A generator of the function or of a library: nobody but they can keep it from repeating."""

    where: str  # how a module reaches it; empty if none does
    what: str  # its class
    verdict: Verdict
    note: str = ""
    advice: str = PRIVATE_ADVICE

    def __str__(self) -> str:
        """For people."""
        return f"{self.where or NAMELESS} ({self.what})"


@dataclass
class Repetition:
    """Of all generators of a function."""

    requests: int = 0  # how many drew
    known: list[Known] = field(default_factory=list)
    private: list[Private] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    unexamined: str = ""  # why nothing is known about them

    @property
    def clean(self) -> bool:
        """No generator repeats that must not. Others are warned of: a function may seed them in its requests,
        before it draws from them, as the draws here do not.
        """
        return all(generator.verdict != "repeats" for generator in self.known)

    @property
    def warnings(self) -> list[Private]:
        """The private ones that repeat."""
        return [generator for generator in self.private if generator.verdict == "repeats"]

    def names(self, verdict: Verdict) -> list[str]:
        """Those that it was found of, the known ones first."""
        known = [generator.name for generator in self.known if generator.verdict == verdict]
        return known + [str(generator) for generator in self.private if generator.verdict == verdict]


class _Numbers:
    """What one generator gave."""

    def __init__(self) -> None:
        self._by_pid: dict[int, list[str]] = {}
        self.refusal = ""

    def add(self, pid: int, number: str) -> None:
        self._by_pid.setdefault(pid, []).append(number)

    def verdict(self) -> Verdict:
        given = [number for numbers in self._by_pid.values() for number in numbers]
        if len(set(given)) < len(given):
            return "repeats"
        if any(len(numbers) > 1 for numbers in self._by_pid.values()):
            return "differs"
        return "refused" if self.refusal else "not compared"


def compare(draws: Sequence[Draw]) -> Repetition:
    """Which generators gave a number twice."""
    made = Repetition(len(draws), notes=list(dict.fromkeys(note for draw in draws for note in draw.notes)))
    if not draws:
        made.unexamined = NO_ANSWER
    elif len({draw.pid for draw in draws}) == len(draws):
        made.unexamined = NEVER_TWICE
    if made.unexamined:
        return made
    known: dict[str, _Numbers] = {}
    private: dict[tuple[str, str, int], _Numbers] = {}
    advice: dict[tuple[str, str, int], str] = {}
    for draw in draws:
        for name, number in draw.drawn.items():
            known.setdefault(name, _Numbers()).add(draw.pid, number)
        for name, why in draw.refused.items():
            known.setdefault(name, _Numbers()).refusal = why
        same: dict[tuple[str, str], int] = {}  # several may have no name: they come in one order
        for one in draw.private:
            where, what = one.get("where", ""), one.get("what", "")
            same[where, what] = count = same.get((where, what), 0) + 1
            key = where, what, count
            numbers = private.setdefault(key, _Numbers())
            advice[key] = one.get("advice", PRIVATE_ADVICE)
            if "drawn" in one:
                numbers.add(draw.pid, one["drawn"])
            else:
                numbers.refusal = one.get("refused", "")
    made.known = [Known(name, numbers.verdict(), numbers.refusal) for name, numbers in known.items()]
    made.private = [
        Private(key[0], key[1], numbers.verdict(), numbers.refusal, advice[key])
        for key, numbers in sorted(
            private.items(), key=lambda item: item[0]
        )  # a process lists them in any order
    ]
    return made


def title(found: Repetition) -> str:
    """Of the table that `rows` makes."""
    return "random numbers" + (f", drawn in {found.requests} restored requests" if found.requests else "")


def rows(found: Repetition) -> list[tuple[str, str, str]]:
    """A table of it: each ``good``, ``mild`` or ``bad``, its title, and the names."""
    if found.unexamined:
        return [("mild", "not examined", found.unexamined)]
    repeating = [generator.name for generator in found.known if generator.verdict == "repeats"]
    lines = [
        ("bad", "REPEATED", ", ".join(repeating)),
        *(("mild", "repeated", str(generator)) for generator in found.warnings),
        ("good", "never repeated", ", ".join(found.names("differs"))),
        ("mild", "gave nothing", ", ".join(found.names("refused"))),
        ("mild", "not compared", ", ".join(found.names("not compared"))),
        *(("mild", "note", note) for note in found.notes),
    ]
    return [line for line in lines if line[2]]


def conclusions(found: Repetition) -> list[tuple[str, str]]:
    """What it comes to, each ``bad``, ``mild`` or ``good``."""
    if found.unexamined:
        return [("mild", f"its random number generators were not examined: {found.unexamined}")]
    said = []
    repeating = [generator.name for generator in found.known if generator.verdict == "repeats"]
    if repeating:
        said.append(
            ("bad", f"restored requests get the SAME numbers from {', '.join(repeating)}: {KNOWN_ADVICE}")
        )
    for advice in dict.fromkeys(generator.advice for generator in found.warnings):
        names = [str(generator) for generator in found.warnings if generator.advice == advice]
        said.append(("mild", f"restored requests get the same numbers from {', '.join(names)}: {advice}"))
    count = len(found.names("differs"))
    if count:
        noun = "random number generator" + ("" if count == 1 else "s")
        said.append(("good", f"{count} {noun} gave {found.requests} restored requests no number twice"))
    return said
