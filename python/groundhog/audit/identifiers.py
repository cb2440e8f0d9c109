"""Identifiers that repeat: what restored requests answer alike, and nobody else twice.

No list of generators is ever complete, so the answers themselves are compared, whatever made them. An
identifier differs from request to request of one process, and from process to process. What differs so
without isolation, and is the same after each restore, comes from a generator whose state is part of the
snapshot: two callers get one. Times go on after a restore; counters begin anew in each process; process ids,
addresses and what was drawn while loading are the same for all requests of a process: none of them is taken
for an identifier.
"""

from __future__ import annotations

import itertools
import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

SHORTEST = 4
"""Characters; shorter texts are alike by chance, as the milliseconds that something took."""
SHORTEST_PART = 6
"""Characters of a part that counts for itself, as in identifiers that begin with the time and end in a number
of six digits.
"""
FEWEST_PIECES = 4
"""Members of a list or an object that differ, for what is in pieces, as the digits of a code and the bytes of
a key: fewer are alike by chance.
"""
SHORTEST_ANYWHERE = 8
"""Characters of a word that counts wherever it stands."""
FEWEST_RANDOM = 8
"""Characters of a part that differ, for what no time explains: one in nanoseconds comes in order."""
MOST_COUNTED = 16
"""By how much a counter goes on from request to request, at most."""
MOST_ANYWHERE = 10
"""Of those that are found so."""
SEVERAL = 8
"""Answers, of one process with isolation and of one without, that tell of several generators."""
MOST_SHOWN = 60
_Found = TypeVar("_Found", str, list[str])
_WORDS = (re.compile(r"[0-9A-Za-z]+"), re.compile(r"[0-9A-Za-z_-]+"), re.compile(r"[0-9A-Za-z+/_=-]+"))
"""Of letters and digits, and of both alphabets of base64: split at their marks, one token has more words than
another.
"""
_WORDS_ANYWHERE = (re.compile(r"\w+"), *_WORDS[1:])
"""Likewise; letters of any script."""


@dataclass(frozen=True)
class Samples:
    """Answers to one payload, as values of JSON."""

    first: tuple[Any, Any]
    """The first ones of two processes without isolation."""
    then: tuple[Any, Any]
    """Two later ones of one process without isolation."""
    isolated: Sequence[Any]
    """Those of restored processes, at least two."""


@dataclass(frozen=True)
class Repeat:
    """An identifier that several requests got."""

    payload: int
    """Which of the payloads, from 0."""
    member: str
    """Where it stands in the answer, as `a.b[0]`; empty for the answer itself, `a.*` for names of members."""
    text: str
    """What repeats."""
    times: int
    """To how many requests."""

    def __str__(self) -> str:
        """For people."""
        where = f"its member {self.member}" if self.member else "it"
        shown = self.text if len(self.text) <= MOST_SHOWN else f"{self.text[:MOST_SHOWN]}..."
        return (
            f"an identifier repeats in the answers to payload {self.payload + 1}: {where} has {shown!r} in"
            f" {self.times} of them, and without isolation another one in each process and each request; make"
            " or seed what draws it in the request, or by an after-restore hook"
        )


def find(payload: int, samples: Samples) -> list[Repeat]:
    """The identifiers that repeat in the answers to one payload."""
    (first_a, first_b), (then_a, then_b) = samples.first, samples.then
    samples = Samples(
        (_opened(first_a), _opened(first_b)),
        (_opened(then_a), _opened(then_b)),
        [_opened(answer) for answer in samples.isolated],
    )
    first, then, isolated = (
        [dict(_members(answer)) for answer in answers]
        for answers in (samples.first, samples.then, samples.isolated)
    )
    found = []
    for member, *texts in _shared(first, then, isolated):
        text = _repeated(*texts)
        if text is not None:
            found.append(Repeat(payload, member, text, len(isolated)))
    return found or _in_pieces(payload, samples) or _anywhere(payload, samples)


def find_among(payload: int, unisolated: Sequence[Any], isolated: Sequence[Any]) -> list[Repeat]:
    """Those that come again and again, beside others: one of several generators in the snapshot draws each,
    as that of whichever thread is free.

    ``unisolated``: answers of one process, of which no two are alike there: else it is a choice, such as of a
    connection. ``isolated``: those of restored requests, in their order.
    """
    kept, own = (
        [dict(_members(_opened(answer))) for answer in answers] for answers in (unisolated, isolated)
    )
    found = []
    for member in own[0]:
        if all(member in answer for answer in itertools.chain(kept, own)):
            texts = [[answer[member] for answer in answers] for answers in (kept, own)]
            for before, again in _aligned(*texts):
                if _recurs(again) and _all_differ(before):
                    text, times = Counter(again).most_common(1)[0]
                    found.append(Repeat(payload, member, text, times))
                    break
    return found


def recur(isolated: Sequence[Any]) -> bool:
    """Whether `find_among` may find any in the answers of restored requests."""
    return _any_member(isolated, _recurs)


def differ(unisolated: Sequence[Any]) -> bool:
    """Whether `find_among` may find any, since no two of these answers are alike somewhere."""
    return _any_member(unisolated, _all_differ)


def _any_member(answers: Sequence[Any], holds: Callable[[list[str]], bool]) -> bool:
    members = [dict(_members(_opened(answer))) for answer in answers]
    shared = set.intersection(*map(set, members))
    texts = ([answer[member] for answer in members] for member in shared)
    return any(holds(own) for its in texts for (own,) in _aligned(its))


def _aligned(*of: list[str]) -> Iterator[list[list[str]]]:
    """Texts as they are, then their words by place, where all have as many."""
    yield list(of)
    for words in _WORDS:
        split = [[words.findall(text) for text in texts] for texts in of]
        if len({len(its) for its in itertools.chain(*split)}) == 1:
            for at in range(len(split[0][0])):
                yield [[its[at] for its in texts] for texts in split]


def _all_differ(texts: list[str]) -> bool:
    return min(map(len, texts)) >= SHORTEST_ANYWHERE and len(set(texts)) == len(texts)


def _recurs(texts: list[str]) -> bool:
    """Whether few texts come in turn. Times come one after the other."""
    different = len(set(texts))
    if min(map(len, texts)) < SHORTEST_ANYWHERE or not 1 < different <= len(texts) // 2:
        return False
    return sum(1 for _ in itertools.groupby(texts)) > different


def _in_pieces(payload: int, samples: Samples) -> list[Repeat]:
    """Those of which no member tells for itself."""
    first, then, isolated = (
        [dict(_pieces(answer)) for answer in answers]
        for answers in (samples.first, samples.then, samples.isolated)
    )
    found = {}
    for member, *pieces in _shared(first, then, isolated):
        one, other, own = _steady(*pieces)
        if _differ(*one, *other):
            found[member] = Repeat(payload, member, " ".join(own[0]), len(isolated))
    # What is around one of them has the same pieces.
    return [
        repeat for member, repeat in found.items() if not any(_is_within(inner, member) for inner in found)
    ]


def _steady(*answers: list[list[str]]) -> list[list[list[str]]]:
    """The pieces that are alike in all restored requests: others are times, and the like.

    None, if there are not as many in each answer.
    """
    own = answers[-1]
    if len({len(pieces) for pieces in itertools.chain(*answers)}) > 1:
        return [[[] for _ in of] for of in answers]
    kept = [len(set(texts)) == 1 for texts in zip(*own, strict=True)]
    return [[list(itertools.compress(pieces, kept)) for pieces in of] for of in answers]


def _anywhere(payload: int, samples: Samples) -> list[Repeat]:
    """Those that stand elsewhere in each answer, as behind a name that is a time, or in lists of any length.

    Restored requests share a word, and have fewer words of about that length for themselves than the other
    answers have: beside one that they share since a minute has passed, as many are fresh in both.
    """
    for words in _WORDS_ANYWHERE:
        others = [_words_of(words, answer) for answer in (*samples.first, *samples.then)]
        isolated = [_words_of(words, answer) for answer in samples.isolated]
        of_others, of_isolated = _fresh(others), _fresh(isolated)
        shared = [
            word
            for word in set.intersection(*isolated).difference(*others)
            if _fewest(of_others, len(word)) > _fewest(of_isolated, len(word))
        ]
        _, other, before, after = others
        if found := _without(shared, (before & after) - other):
            places = list(_members(samples.isolated[0]))
            return [
                Repeat(payload, where, word, len(isolated))
                for word in found[:MOST_ANYWHERE]
                for where in [next(where for where, text in places if word in words.findall(text))]
            ]
    return []


def _fresh(answers: list[set[str]]) -> list[list[int]]:
    """How long the words of each are that no other one has."""
    return [
        [len(word) for word in its.difference(*answers[:at], *answers[at + 1 :])]
        for at, its in enumerate(answers)
    ]


def _fewest(fresh: list[list[int]], length: int) -> int:
    """How many of about that length each has at least."""
    return min(sum(_is_about(its, length) for its in lengths) for lengths in fresh)


def _words_of(words: re.Pattern[str], answer: Any) -> set[str]:
    texts = itertools.chain.from_iterable(words.findall(text) for _, text in _members(answer))
    return {text for text in texts if len(text) >= SHORTEST_ANYWHERE}


def _is_about(one: int, other: int) -> bool:
    """Whether lengths differ as those of numbers of as many bits do, and of what has escapes in it."""
    return abs(one - other) <= max(1, other // SHORTEST_ANYWHERE)


def _without(shared: list[str], kept: set[str]) -> list[str]:
    """Leave out one word about as long as each that a process keeps: a snapshot has as many of its own."""
    left = []
    lengths = sorted(map(len, kept))
    at = 0
    for word in sorted(shared, key=lambda word: (len(word), word)):
        while at < len(lengths) and lengths[at] < len(word) and not _is_about(lengths[at], len(word)):
            at += 1
        if at < len(lengths) and _is_about(lengths[at], len(word)):
            at += 1
        else:
            left.append(word)
    return left


def _is_within(inner: str, outer: str) -> bool:
    return inner != outer and (not outer or inner.startswith((f"{outer}.", f"{outer}[")))


def _differ(*texts: list[str]) -> bool:
    """Whether many pieces do, in the first two answers and in the other two.

    All but one are the same pieces: what a process keeps differs in the first two only, a counter in the
    others.
    """
    in_first, in_other, before, after = texts
    first = list(map(str.__ne__, in_first, in_other))
    then = list(map(str.__ne__, before, after))
    both = sum(a and b for a, b in zip(first, then, strict=True))
    return min(sum(first), sum(then), both + 1) >= FEWEST_PIECES


def _shared(
    first: list[dict[str, _Found]], then: list[dict[str, _Found]], isolated: list[dict[str, _Found]]
) -> Iterator[tuple[str, list[_Found], list[_Found], list[_Found]]]:
    """Of each member that all answers have: where it stands, and what they say there."""
    for member in isolated[0]:
        if all(member in answer for answer in itertools.chain(first, then, isolated)):
            one, other, own = ([answer[member] for answer in answers] for answers in (first, then, isolated))
            yield member, one, other, own


def _pieces(value: Any, path: str = "") -> Iterator[tuple[str, list[str]]]:
    """The texts and numbers in each list and object of an answer, and the words of each text, with where that
    stands.
    """
    match value:
        case dict():
            members = [(f"{path}.{name}" if path else str(name), member) for name, member in value.items()]
        case list():
            members = [(f"{path}[{at}]", member) for at, member in enumerate(value)]
        case str():
            yield path, _WORDS[0].findall(value)
            return
        case _:
            return
    yield path, [text for at, member in members for where, text in _members(member, at) if where[-2:] != ".*"]
    for at, member in members:
        yield from _pieces(member, at)


def _opened(value: Any) -> Any:
    """An answer with what its texts hold that are JSON themselves, as the body of an answer over HTTP."""
    match value:
        case dict():
            return {name: _opened(member) for name, member in value.items()}
        case list():
            return [_opened(member) for member in value]
        case str() if value.lstrip()[:1] in ("{", "["):
            try:
                return _opened(json.loads(value))
            except (ValueError, RecursionError):
                return value
        case _:
            return value


def _members(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text and number in an answer, with where it stands; identifiers may be names, too."""
    match value:
        case dict():
            yield f"{path}.*" if path else "*", " ".join(value)
            for name, member in value.items():
                yield from _members(member, f"{path}.{name}" if path else str(name))
        case list():
            for at, member in enumerate(value):
                yield from _members(member, f"{path}[{at}]")
        case str():
            yield path, value
        case int() | float() if not isinstance(value, bool):
            yield path, json.dumps(value)
        case _:
            pass


def _repeated(first: list[str], then: list[str], isolated: list[str]) -> str | None:
    """What repeats of a text, if something does."""
    if _is_repeated(first, then, isolated):
        return isolated[0]
    if len({len(text) for text in itertools.chain(first, then, isolated)}) == 1:
        for start, end in _alike(isolated):
            cut = [[text[start:end] for text in texts] for texts in (first, then, isolated)]
            if end - start >= SHORTEST_PART and _is_repeated(*cut) and not _is_count(cut[1], isolated):
                return cut[2][0]
        return None
    for splits in _WORDS:
        words = [[splits.findall(text) for text in texts] for texts in (first, then, isolated)]
        if len({len(split) for split in itertools.chain(*words)}) > 1:
            continue
        for at in range(len(words[2][0])):
            cut = [[split[at] for split in texts] for texts in words]
            if len(cut[2][0]) >= SHORTEST_PART and _is_repeated(*cut):
                return cut[2][0]
    return None


def _is_repeated(first: list[str], then: list[str], isolated: list[str]) -> bool:
    if len(isolated[0]) < SHORTEST or len(set(isolated)) > 1:
        return False
    return first[0] != first[1] and then[0] != then[1]


def _is_count(then: list[str], isolated: list[str]) -> bool:
    """Whether a part of identifiers goes on counting in a process, from wherever that began, beside random
    characters, as in those of MongoDB: these do not repeat.
    """
    changed = [at for at, letters in enumerate(zip(*then, strict=True)) if len(set(letters)) > 1]
    steps = [text[changed[0] : changed[-1] + 1] for text in then]
    if not all(re.fullmatch("[0-9a-z]+", step, re.ASCII | re.IGNORECASE) for step in steps):
        return False
    bases = [base for base in (10, 16, 36) if all(max(int(c, 36) for c in step) < base for step in steps)]
    if not any(0 < int(steps[1], base) - int(steps[0], base) <= MOST_COUNTED for base in bases):
        return False
    at = 0
    for start, end in [*_alike(isolated), (len(isolated[0]), 0)]:
        fresh = [text[at:start] for text in isolated]
        if start - at >= FEWEST_RANDOM and len(set(fresh)) == len(fresh) and sorted(fresh) != fresh:
            return True
        at = end
    return False


def _alike(texts: list[str]) -> Iterator[tuple[int, int]]:
    """Where texts of one length are alike, as ranges."""
    start = None
    for at, letters in enumerate(itertools.chain(zip(*texts, strict=True), [("a", "b")])):
        alike = len(set(letters)) == 1
        if alike and start is None:
            start = at
        elif not alike and start is not None:
            yield start, at
            start = None
