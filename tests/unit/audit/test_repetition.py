"""Which generators repeat, judged from draws that are made up."""

from __future__ import annotations

import json
from typing import Any

import pytest

from groundhog.audit import html, pages, repetition, summaries
from groundhog.audit.function import Audit
from groundhog.audit.repetition import Draw, Known, Private, Repetition, compare
from groundhog.cli import audit_tables

EVIL = "<script>alert('x')</script>"


def draw(
    pid: int = 7, *, private: tuple[dict[str, str], ...] = (), notes: tuple[str, ...] = (), **drawn: str
) -> Draw:
    return Draw(pid, drawn, {}, private, notes)


def mine(number: str, **more: str) -> dict[str, str]:
    return {"where": "handler.rng", "what": "random.Random", "drawn": number, **more}


class TestVerdicts:
    def test_numbers_that_all_differ(self) -> None:
        found = compare([draw(a="1"), draw(a="2"), draw(a="3")])
        assert found.known == [Known("a", "differs")]
        assert found.clean
        assert repetition.conclusions(found) == [
            ("good", "1 random number generator gave 3 restored requests no number twice")
        ]

    def test_one_number_that_comes_twice(self) -> None:
        """Not necessarily next to each other: threads take turns."""
        found = compare([draw(a="1", b="1"), draw(a="2", b="2"), draw(a="1", b="3")])
        assert found.known == [Known("a", "repeats"), Known("b", "differs")]
        assert not found.clean
        kind, text = repetition.conclusions(found)[0]
        assert kind == "bad"
        assert text == (
            "restored requests get the SAME numbers from a: two callers get the same;"
            " do not serve this function, or only with --isolation off"
        )

    def test_the_same_number_of_two_generators_is_chance(self) -> None:
        assert compare([draw(a="1", b="2"), draw(a="2", b="1")]).clean

    def test_a_private_one_is_a_warning(self) -> None:
        found = compare([draw(private=(mine("1"),)), draw(private=(mine("1"),))])
        assert found.private == [Private("handler.rng", "random.Random", "repeats")]
        assert found.clean
        [(kind, text)] = repetition.conclusions(found)
        assert kind == "mild"
        assert text == (
            "restored requests get the same numbers from handler.rng (random.Random): make it in the"
            " request, or seed it there, or have an after-restore hook seed it or make a new one"
        )

    def test_a_private_one_that_is_seeded_is_none(self) -> None:
        found = compare([draw(private=(mine("1"),)), draw(private=(mine("2"),))])
        assert found.warnings == []
        assert [kind for kind, _ in repetition.conclusions(found)] == ["good"]

    def test_a_launcher_may_have_its_own_advice(self) -> None:
        found = compare([draw(private=(mine("1", advice="eat more fish"),))] * 2)
        assert repetition.conclusions(found)[0][1].endswith("handler.rng (random.Random): eat more fish")

    def test_those_without_a_name_are_told_apart_by_their_order(self) -> None:
        def nameless(number: str) -> dict[str, str]:
            return {"where": "", "what": "random.Random", "drawn": number}

        first = draw(private=(nameless("1"), nameless("2")))
        second = draw(private=(nameless("2"), nameless("2")))
        found = compare([first, second])
        assert [generator.verdict for generator in found.private] == ["differs", "repeats"]
        assert found.names("repeats") == ["one that no module reaches by name (random.Random)"]

    def test_numbers_of_two_processes_do_not_show_that_one_does_not_repeat(self) -> None:
        found = compare([draw(7, a="1"), draw(7, a="2"), draw(8, a="3", b="1"), draw(9, b="2")])
        assert found.known == [Known("a", "differs"), Known("b", "not compared")]
        assert ("mild", "not compared", "b") in repetition.rows(found)

    def test_a_process_for_each_draw_shows_nothing(self) -> None:
        found = compare([draw(7, a="1"), draw(8, a="2")])
        assert found.known == []
        assert repetition.rows(found) == [("mild", "not examined", repetition.NEVER_TWICE)]
        [(kind, text)] = repetition.conclusions(found)
        assert kind == "mild"
        assert text == (
            "its random number generators were not examined: no process was asked to draw twice: each was"
            " replaced after its request"
        )

    def test_no_draws_at_all(self) -> None:
        assert compare([]).unexamined == "the process did not say what it drew"

    def test_what_gives_nothing(self) -> None:
        """It cannot repeat; that it is refused is said, and why."""
        refusal = {"where": "lib.x", "what": "lib.X", "refused": "TypeError: no"}
        one = Draw(7, {}, {"keys": "Error: refused"}, (refusal,), ())
        found = compare([one, one])
        assert found.known == [Known("keys", "refused", "Error: refused")]
        assert found.private == [Private("lib.x", "lib.X", "refused", "TypeError: no")]
        assert found.clean
        assert repetition.rows(found) == [("mild", "gave nothing", "keys, lib.x (lib.X)")]

    def test_refused_only_sometimes(self) -> None:
        draws = [
            Draw(7, {"a": "1"}, {}, (), ()),
            Draw(7, {}, {"a": "Error"}, (), ()),
            Draw(7, {"a": "1"}, {}, (), ()),
        ]
        assert compare(draws).known[0].verdict == "repeats"

    def test_notes_come_once(self) -> None:
        found = compare([draw(a="1", notes=("many",)), draw(a="2", notes=("many",))])
        assert found.notes == ["many"]
        assert ("mild", "note", "many") in repetition.rows(found)


class TestAnswers:
    def test_of_a_launcher(self) -> None:
        value = {
            "drawn": {"a": 1},
            "refused": {},
            "private": [{"where": "x", "drawn": 2}, "?"],
            "notes": ["n"],
        }
        assert Draw.parse(7, value) == Draw(7, {"a": "1"}, {}, [{"where": "x", "drawn": "2"}], ["n"])

    @pytest.mark.parametrize(
        "value", [{}, [], {"error": "x"}, {"drawn": 1, "refused": {}, "private": [], "notes": []}]
    )
    def test_of_anybody_else(self, value: Any) -> None:
        assert Draw.parse(7, value) is None


def audited(found: Repetition) -> Audit:
    return Audit("handler", "hot", [], repetition=found)


class TestReports:
    def test_a_known_one_that_repeats_is_not_clean(self) -> None:
        assert audited(compare([draw(a="1"), draw(a="2")])).clean
        assert not audited(compare([draw(a="1"), draw(a="1")])).clean

    def test_as_json(self) -> None:
        made = summaries.as_dict(audited(compare([draw(a="1", private=(mine("1"),))] * 2)))
        assert json.loads(json.dumps(made)) == made
        assert made["random_numbers"] == {
            "requests": 2,
            "known": [{"name": "a", "verdict": "repeats", "note": ""}],
            "private": [
                {
                    "where": "handler.rng",
                    "what": "random.Random",
                    "verdict": "repeats",
                    "note": "",
                    "advice": repetition.PRIVATE_ADVICE,
                }
            ],
            "notes": [],
            "unexamined": "",
        }

    def test_on_a_page_nothing_becomes_markup(self) -> None:
        one = Draw(7, {EVIL: EVIL}, {EVIL + "2": EVIL}, (mine("1", where=EVIL, advice=EVIL),), (EVIL,))
        text = pages.of_function(audited(compare([one, one])))
        assert "<script" not in text
        assert text.count("&lt;script&gt;") >= 6
        assert "drawn in 2 restored requests" in text
        assert '<span class="bad">REPEATED</span>' in text

    def test_on_a_terminal(self, capsys: pytest.CaptureFixture[str]) -> None:
        audit_tables.show_audit(audited(compare([draw(bold="1", private=(mine("1", where="[bold]x"),))] * 2)))
        shown = capsys.readouterr().out
        assert "random numbers, drawn in 2 restored requests" in " ".join(shown.split())
        assert "REPEATED" in shown
        assert "[bold]x (random.Random)" in shown
        assert repetition.PRIVATE_ADVICE in shown

    def test_one_that_was_not_examined(self) -> None:
        found = Repetition(unexamined=repetition.FOREIGN)
        assert audited(found).clean
        assert html.shown(repetition.FOREIGN) in pages.of_function(audited(found))
        assert summaries.as_dict(audited(found))["random_numbers"]["unexamined"] == repetition.FOREIGN
