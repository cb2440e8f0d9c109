"""Which parts of answers are identifiers that repeat."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from groundhog.audit.identifiers import Repeat, Samples, find, find_among, recur

if TYPE_CHECKING:
    from collections.abc import Callable


def found(first: list[Any], then: list[Any], isolated: list[Any]) -> list[tuple[str, str]]:
    samples = Samples((first[0], first[1]), (then[0], then[1]), isolated)
    return [(repeat.member, repeat.text) for repeat in find(0, samples)]


def test_one_that_only_restored_requests_share() -> None:
    def answer(text: str) -> dict[str, Any]:
        return {"user": {"ids": [text]}, "same": "always the same"}

    said = found([answer("ab12"), answer("cd34")], [answer("ef56"), answer("aa77")], [answer("9911")] * 2)
    assert said == [("user.ids[0]", "9911")]


def test_the_answer_itself() -> None:
    assert found(["abcd", "bcde"], ["cdef", "defg"], ["efgh"] * 3) == [("", "efgh")]


def test_a_number() -> None:
    assert found([0.4963, 0.1234], [0.7682, 0.9], [0.5, 0.5]) == []
    assert found([0.4963, 0.1234], [0.7682, 0.9], [0.5123, 0.5123]) == [("", "0.5123")]


@pytest.mark.parametrize(
    ("what", "first", "then", "isolated"),
    [
        ("random", ["r1-aaaa", "r2-bbbb"], ["r3-cccc", "r4-dddd"], ["r5-eeee", "r6-ffff"]),
        ("counter", ["n 1000", "n 1000"], ["n 1001", "n 1002"], ["n 1000", "n 1000"]),
        ("process", ["pid 12345", "pid 23456"], ["pid 12345", "pid 12345"], ["pid 34567", "pid 34567"]),
        (
            "time",
            ["10:00:01.123", "10:00:02.234"],
            ["10:00:01.223", "10:00:01.3"],
            ["10:00:05.1", "10:00:05.2"],
        ),
        ("milliseconds", [120, 131], [3, 4], [3, 3]),
        ("list", [[1], [2]], [[], [4]], [[5], [5]]),
    ],
)
def test_what_is_none(what: str, first: list[Any], then: list[Any], isolated: list[Any]) -> None:
    assert found(first, then, isolated) == [], what


@pytest.mark.parametrize(
    ("where", "make"),
    [
        ("key.data", lambda numbers: {"key": {"type": "Buffer", "data": numbers}}),
        ("", lambda numbers: {str(at): number for at, number in enumerate(numbers)}),
        ("[0].code", lambda numbers: [{"code": [str(number) for number in numbers]}]),
        ("rows", lambda numbers: {"rows": [numbers[:2], numbers[2:]]}),
        ("points[1]", lambda numbers: {"points": [{}, {"x": {"at": numbers[:3]}, "y": numbers[3:]}]}),
    ],
    ids=["bytes of Node", "an array of bytes", "digits", "rows", "objects"],
)
def test_one_in_pieces(where: str, make: Callable[[list[int]], Any]) -> None:
    """Each of which is too short to tell for itself."""
    first, then = (
        [make([1, 22, 3, 4, 5]), make([9, 8, 7, 4, 1])],
        [make([5, 6, 7, 8, 9]), make([0, 1, 2, 3, 9])],
    )
    own = make([3, 1, 4, 1, 5])
    assert found(first, then, [own, own]) == [(where, "3 1 4 1 5")]
    assert found(first, then, [own, make([3, 1, 4, 1, 6])]) == []
    # What a process keeps differs in others, a counter in the next request.
    kept = [make([1, 2, 3, 4, 5]), make([9, 8, 7, 6, 5])]
    assert found(kept, [make([1, 2, 3, 4, 5])] * 2, [own, own]) == []
    # Few pieces are alike by chance: times that something took, for instance.
    few = [make([1, 2, 3, 4, 5]), make([7, 8, 9, 4, 5])]
    assert found(few, then, [own, own]) == found(first, few, [own, own]) == []


def test_a_part_of_one_that_begins_with_the_time() -> None:
    """As ids of BSON: seconds, random bytes of the process, a counter that begins at random."""
    first = ["665f0001aabbccddee000101", "665f0002b1b2c3d4e5001201"]
    then = ["665f0003aabbccddee000102", "665f0003aabbccddee000103"]
    isolated = ["665f0004deadbeef99777701", "665f0005deadbeef99777701"]
    assert found(first, then, isolated) == [("", "deadbeef99777701")]


def test_six_digits_behind_the_time() -> None:
    first = ["1795969537-402931", "1795969538-118230"]
    then = ["1795969539-773301", "1795969539-002915"]
    isolated = ["1795969540-564738", "1795969541-564738"]
    assert found(first, then, isolated) == [("", "-564738")]


FRESH = ("75f501613d", "18155b14b2", "b2acfd9e79", "1c60960a47")


@pytest.mark.parametrize(
    ("begun", "first", "then", "repeated"),
    [
        ("e3f9ca", ("0a466d", "c9111b"), ("46609f", "4660a0"), None),
        ("0001l17d", ("0001ku7d", "0001kx7d"), ("0003ku7d", "0004ku7d"), None),
        ("e3f9ca", ("0a466d", "c9111b"), ("4660a0", "46609f"), "e3f9ca"),
        ("e3f9ca", ("0a466d", "c9111b"), ("466000", "46a1f0"), "e3f9ca"),
        ("e3f9ca", ("0a466d", "c9111b"), ("46-09f", "46-0+0"), "e3f9ca"),
    ],
    ids=["of MongoDB", "with the process", "backwards", "in leaps", "no number"],
)
def test_a_count_beside_random_characters_is_none(
    begun: str, first: tuple[str, str], then: tuple[str, str], repeated: str | None
) -> None:
    """Wherever a process began to count. What does not count comes from a generator."""

    def made(counts: tuple[str, ...]) -> list[Any]:
        return [f"6b0d1349{fresh}{count}" for fresh, count in zip(FRESH, counts, strict=False)]

    said = found(made(first), made(then), made((begun,) * 4))
    assert said == ([] if repeated is None else [("", repeated)])


@pytest.mark.parametrize("beside", [("00000001", "00000002", "00000003"), ("31", "12", "23")])
def test_a_count_beside_a_time_repeats(beside: tuple[str, ...]) -> None:
    """Two requests of one moment get one identifier. Times come in order, and few characters tell little."""
    isolated: list[Any] = [f"{time}e3f9ca" for time in beside]
    first, then = [
        [f"{beside[0]}{count}" for count in two] for two in (("0a466d", "c9111b"), ("46609f", "4660a0"))
    ]
    assert found(first, then, isolated) == [("", "e3f9ca")]


def test_names_of_members() -> None:
    def answer(name: str) -> dict[str, Any]:
        return {"orders": {name: "new"}}

    first, then = [answer("0a1b2c3d"), answer("9f8e7d6c")], [answer("44aa55bb"), answer("77cc88dd")]
    assert found(first, then, [answer("12345678")] * 2) == [("orders.*", "12345678")]
    assert found(first, then, [answer("12345678"), answer("87654321")]) == []


def test_a_word_among_others() -> None:
    first = ["took 12 ms, id a1b2c3d4e5", "took 3 ms, id b1b2c3d4e5"]
    then = ["took 2 ms, id c1b2c3d4e5", "took 10 ms, id d1b2c3d4e5"]
    isolated = ["took 4 ms, id e9b2c3d4e5", "took 11 ms, id e9b2c3d4e5"]
    assert found(first, then, isolated) == [("", "e9b2c3d4e5")]


def test_in_words() -> None:
    said = str(Repeat(1, "id", "x" * 100, 6))
    assert said.startswith("an identifier repeats in the answers to payload 2: its member id has 'xxx")
    assert "x" * 61 not in said
    assert "in 6 of them" in said


def test_a_token_whose_marks_are_none_of_the_words_around_it() -> None:
    def answer(ms: float, token: str) -> dict[str, Any]:
        return {"said": f"after {ms} ms: {token}"}

    said = found(
        [answer(1.25, "ab-cd_12"), answer(2.5, "abcdef12")],
        [answer(0.125, "a-b-c-d-"), answer(10.5, "____4567")],
        [answer(ms, "x-y1z2-9") for ms in (1.5, 2.25, 0.0625)],
    )
    assert said == [("said", "x-y1z2-9")]


def test_in_json_within_a_text() -> None:
    def answer(ms: float, key: list[int]) -> dict[str, Any]:
        return {"statusCode": 200, "body": json.dumps({"key": key, "took": ms})}

    said = found(
        [answer(1.25, [1, 2, 3, 4, 5]), answer(2.5, [2, 3, 4, 5, 6])],
        [answer(0.125, [3, 4, 5, 6, 7]), answer(10.5, [4, 5, 6, 7, 8])],
        [answer(ms, [9, 8, 7, 6, 5]) for ms in (1.5, 2.25, 0.0625)],
    )
    assert said == [("body.key", "9 8 7 6 5")]


@pytest.mark.parametrize("make", [list, lambda pieces: " ".join(map(str, pieces))])
def test_in_pieces_beside_a_time(make: Callable[[list[int]], Any]) -> None:
    said = found(
        [make([100, 1, 2, 3, 4, 5]), make([200, 2, 3, 4, 5, 6])],
        [make([300, 3, 4, 5, 6, 7]), make([400, 4, 5, 6, 7, 8])],
        [make([time, 9, 8, 7, 6, 5]) for time in (5, 60, 700)],
    )
    assert said == [("", "9 8 7 6 5")]


def test_times_that_something_took_are_none() -> None:
    took = [
        [{"took": took, "said": f"took {took} s"} for took in times]
        for times in ([0.00451, 0.0039], [0.00021, 0.000114], [0.000123, 0.00012, 0.0001])
    ]
    assert found(*took) == []


KINDS: list[Callable[[int, str], Any]] = [
    lambda at, text: {str(17e8 + at): {"token": text}},
    lambda at, text: {"rows": [*[{"at": 17e8 + at}] * (at % 4), {"token": text}]},
    lambda at, text: {"event": "data: " + json.dumps({"words": "a " * at, "token": text}) + "\n\n"},
    lambda at, text: "a " * at + text.translate({digit: 0x430 + digit for digit in b"0123456789abcdef"}),
]


@pytest.mark.parametrize("make", KINDS)
def test_one_that_stands_elsewhere_each_time(make: Callable[[int, str], Any]) -> None:
    tokens = [f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}" for number in range(1, 12)]
    made = [make(at, token) for at, token in enumerate(tokens)]
    again = [make(at, tokens[-1]) for at in range(6, 12)]
    assert len(found(made[:2], made[2:4], again)) == 1
    assert found(made[:2], made[2:4], made[4:]) == []


@pytest.mark.parametrize("make", KINDS)
def test_what_a_process_keeps_is_none_wherever_it_stands(make: Callable[[int, str], Any]) -> None:
    def answer(process: int, at: int) -> list[Any]:
        own = f"{process * 0x9E3779B97F4A7C15 % 2**64:016x}"
        return [make(at, own), make(at, f"{at * 0xBF58476D1CE4E5B9 % 2**64:016x}")]

    isolated = [answer(3, at) for at in range(10, 16)]
    assert found([answer(1, 1), answer(2, 2)], [answer(1, 3), answer(1, 4)], isolated) == []


def test_a_time_that_passes_between_is_none_beside_a_fresh_identifier() -> None:
    def answer(minute: int, number: int) -> dict[str, Any]:
        return {"minute": str(202611300220 + minute), "id": str(uuid.UUID(int=number * 0x9E3779B9 << 64))}

    first, then = [answer(0, 1), answer(0, 2)], [answer(0, 3), answer(0, 4)]
    assert found(first, then, [answer(1, number) for number in range(5, 9)]) == []
    assert len(found(first, then, [answer(1, 5)] * 4)) == 1


ONES = [f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}" for number in range(1, 13)]


@pytest.mark.parametrize("make", [lambda text: {"id": text}, lambda text: {"url": f"/orders/{text}?a=1"}])
def test_one_of_several_generators(make: Callable[[str], Any]) -> None:
    fresh = [make(text) for text in ONES[:8]]
    again = [make(ONES[at]) for at in (8, 9, 8, 10, 9, 8, 8, 10)]
    assert recur(again)
    assert [(repeat.text in str(again), repeat.times) for repeat in find_among(0, fresh, again)] == [
        (True, 4)
    ]


@pytest.mark.parametrize(
    ("what", "unisolated", "isolated"),
    [
        ("random", ONES[:8], [*ONES[8:], *ONES[:4]]),
        ("a time in seconds", ["10:00:01"] * 8, ["10:00:05"] * 3 + ["10:00:06"] * 5),
        ("a choice", [ONES[at % 3] for at in range(8)], [ONES[at % 3] for at in range(8)]),
        (
            "a choice of what a process keeps",
            [ONES[at % 3] for at in range(8)],
            [ONES[4 + at % 3] for at in range(8)],
        ),
        ("alike", ONES[:8], ONES[8:9] * 8),
        ("short", ONES[:8], ["abcdefg", "bcdefgh"] * 4),
        ("elsewhere", ONES[:8], [{"id": text} for text in ONES[8:10] * 4]),
    ],
)
def test_what_is_of_no_several_generators(what: str, unisolated: list[Any], isolated: list[Any]) -> None:
    assert find_among(0, unisolated, isolated) == [], what
