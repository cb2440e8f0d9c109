"""What a report says, from looks and findings that are made up."""

from __future__ import annotations

import json

import pytest

from groundhog.audit import html, pages, selftest, summaries
from groundhog.audit.answers import Said
from groundhog.audit.catalog import Expected, Victim
from groundhog.audit.function import Audit, Request
from groundhog.audit.inventory import FAULTS, MEMORY, THREADS_LOST
from groundhog.audit.lens import Sight
from groundhog.audit.outside import Left
from groundhog.audit.trials import Outcome
from groundhog.cli import audit_tables

RESTORE = {
    "strategy": "hot",
    "pages_dirty": 7,
    "threads_ended": 1,
    "threads_put_back": 0,
    "children_killed": 2,
    "fds_closed": 0,
    "signals_dropped": 0,
    "bytes_drained": 0,
    "duration": 0.000042,
    "verified": True,
}
EVIL = "<script>alert('x')</script>"


def request(number: int, payload: int, answer: str, **fields: object) -> Request:
    values: dict[str, object] = {
        "said": Said(answer),
        "sight": Sight(),
        "restore": RESTORE,
        "retired": None,
        "remains": [],
        **fields,
    }
    return Request(number, payload, **values)  # type: ignore[arg-type]


def audit(*requests: Request, unisolated: tuple[str, ...] = ("1", "2")) -> Audit:
    made = Audit("handler", "hot", [{"name": "ada"}, {"name": "grace"}])
    made.unisolated = [Said(text) for text in unisolated]
    made.requests = list(requests)
    made.conclude()
    return made


def clean() -> tuple[Request, ...]:
    return request(1, 0, "1"), request(2, 1, "2"), request(3, 1, "2"), request(4, 0, "1")


class TestFunction:
    def test_nothing_left(self) -> None:
        made = audit(*clean())
        assert made.clean
        assert summaries.conclusions(made) == [("good", "4 restores verified byte by byte")]

    def test_a_leak_without_isolation(self) -> None:
        made = audit(*clean(), unisolated=("1", "2 ada"))
        assert made.clean
        assert made.changed == [1]
        said = [text for _, text in summaries.conclusions(made)]
        assert said[0] == "without isolation, request 2's answer contained 'ada' from request 1"
        assert len(said) == 2

    def test_another_answer_without_a_text(self) -> None:
        said = summaries.conclusions(audit(*clean(), unisolated=("1", "3")))
        assert ("mild", "without isolation, request 2 was answered differently") in said

    def test_a_leak_that_outlives_every_process(self) -> None:
        """A function that keeps all it is told in a service, or in a file without a jail."""
        told = ("ada grace", "ada grace ada", "ada grace ada grace", "ada grace ada grace grace")
        made = audit(
            *(request(at, at // 2 % 2, text) for at, text in enumerate(told, start=1)),
            unisolated=("", "ada"),
        )
        assert not made.clean, "nobody had said 'grace' when 'ada' was answered for the first time"
        assert [leak.text for leak in made.leaks] == ["grace"]

    def test_a_leak_with_isolation(self) -> None:
        first, second, third, _ = clean()
        made = audit(first, second, third, request(4, 0, "1 grace"))
        assert not made.clean
        assert made.unstable == [0]
        expected = "WITH isolation, request 4's answer contained 'grace' from request 2"
        assert ("bad", expected) in summaries.conclusions(made)

    def test_a_text_that_every_answer_has_is_the_functions_own(self) -> None:
        always = "ask grace"
        made = audit(
            *(request(1, 0, always), request(2, 1, "2"), request(3, 1, "2"), request(4, 0, always)),
            unisolated=(always, "2"),
        )
        assert made.leaks == []

    def test_a_function_that_fails_is_not_said_to_leave_nothing(self) -> None:
        """A payload of the wrong form has it raise at once: nothing is left, and nothing was tried."""
        failed = Said('{"error": "no such member"}', failed=True)
        _, *rest = clean()
        made = audit(request(1, 0, "", said=failed), *rest)
        assert made.never_served == []
        made = audit(
            request(1, 0, "", said=failed),
            *rest[:2],
            request(4, 0, "", said=failed, restore=None, retired="exited"),
        )
        expected = "the function failed with payload 1: what it leaves where it does not was not seen"
        assert ("mild", expected) in summaries.conclusions(made)
        assert made.clean

    def test_a_function_that_only_fails_is_not_clean(self) -> None:
        failed = Said('{"error": "no such member"}', failed=True)
        made = audit(*(request(number + 1, at, "", said=failed) for number, at in enumerate((0, 1, 1, 0))))
        assert made.never_served == [0, 1]
        assert not made.clean

    def test_a_file_that_stays(self) -> None:
        first, *rest = clean()
        left = request(1, 0, "1", remains=[Left("file", "created /tmp/x")])
        made = audit(left, *rest)
        assert not made.clean
        assert ("bad", "request 1 left for later ones: file, created /tmp/x") in summaries.conclusions(made)
        assert first.verified

    def test_a_restore_that_is_not_verified(self) -> None:
        _, *rest = clean()
        made = audit(request(1, 0, "1", restore={**RESTORE, "verified": False}), *rest)
        assert not made.clean
        assert ("bad", "the restore after request 1 is not verified") in summaries.conclusions(made)
        assert summaries.ending_of(made.requests[0]).endswith("; NOT VERIFIED")

    def test_a_retirement_leaves_nothing(self) -> None:
        _, *rest = clean()
        made = audit(request(1, 0, "1", restore=None, retired="kernel-state: it called chdir"), *rest)
        assert made.clean
        assert summaries.ending_of(made.requests[0]).startswith("the process was retired: kernel-state")
        assert ("mild", "1 request cost the process: a fresh one took its place") in summaries.conclusions(
            made
        )

    def test_what_was_left_is_gathered(self) -> None:
        def memory(name: str, pages: int, *, new: bool = False) -> dict[str, object]:
            return {"name": name, "pages": pages, "new": new, "start": 0, "end": 4096, "perms": "rw-p"}

        sight = Sight(
            memory=[memory("[heap]", 1), memory("", 3), memory("", 4), memory("", 2, new=True)],
            layout=[
                {"start": 0, "end": 8192, "what": "added", "name": ""},
                {"start": 0, "end": 3 << 20, "what": "protected", "name": "/lib/x.so"},
                {"start": 0, "end": 4096, "what": "added", "name": ""},
            ],
            left=[Left("thread", "started 5: x")],
            unseen="too late",
        )
        assert summaries.lines_of(request(1, 0, "1", sight=sight)) == [
            ("memory", "anonymous memory: 7 pages in 2 mappings"),
            ("memory", "anonymous memory (new): 2 pages"),
            ("memory", "[heap]: 1 page"),
            ("layout", "added: anonymous memory, 12 KiB in 2 mappings"),
            ("layout", "protected otherwise: /lib/x.so, 3.0 MiB"),
            ("thread", "started 5: x"),
            ("not seen", "too late"),
        ]

    def test_a_restore_in_words(self) -> None:
        assert summaries.ending_of(clean()[0]) == (
            "7 pages reverted, 1 thread ended, 2 child processes killed, in 42 µs;"
            " verified: nothing is left in the process"
        )

    def test_all_of_it_is_json(self) -> None:
        made = summaries.as_dict(audit(*clean(), unisolated=("1", "2 ada")))
        assert json.loads(json.dumps(made)) == made
        assert made["requests"][0]["verified"]
        assert made["leaks_without_isolation"] == [{"request": 2, "text": "ada", "source": 1}]

    def test_nothing_of_a_function_becomes_markup(self) -> None:
        evil = request(1, 0, EVIL, sight=Sight(left=[Left("file", EVIL)]), remains=[Left("file", EVIL)])
        made = audit(evil, *clean()[1:], unisolated=(EVIL + "2", "2"))
        made.function = EVIL
        made.payloads[0] = {"name": EVIL}
        made.notes = [EVIL]
        text = pages.of_function(made)
        assert "<script" not in text
        assert text.count("&lt;script&gt;") > 5
        assert "http://" not in text
        assert "https://" not in text

    def test_a_long_answer_is_cut(self) -> None:
        made = audit(request(1, 0, "y" * 5000), *clean()[1:])
        assert "y" * 600 + "... (5000 characters)" in pages.of_function(made)
        assert summaries.as_dict(made)["requests"][0]["said"]["answer"] == "y" * 5000

    def test_a_terminal_shows_the_same(self, capsys: pytest.CaptureFixture[str]) -> None:
        first = request(1, 0, "1", remains=[Left("file", "created [bold]x")])
        audit_tables.show_audit(audit(first, *clean()[1:], unisolated=("1", "2 ada")))
        shown = capsys.readouterr().out
        assert 'request 1: {"name": "ada"}' in shown
        assert "STILL THERE" in shown
        assert "created [bold]x" in shown
        assert "request 2's answer contained 'ada' from request 1" in shown

    def test_a_terminal_obeys_no_function(self, capsys: pytest.CaptureFixture[str]) -> None:
        """By the name of a file it could show another verdict."""
        first = request(1, 0, "\x9b2J", remains=[Left("file", "created \x1b[2Jx\n4 restores verified")])
        made = audit(first, *clean()[1:], unisolated=("\x1b[1A", "2"))
        made.notes = ["\x1b]0;note\x07"]
        audit_tables.show_audit(made)
        shown = capsys.readouterr().out
        assert not {"\x1b", "\x9b", "\x07"} & set(shown)
        assert r"created \x1b[2Jx 4 restores verified" in shown


def outcome(
    answers: list[str | None], endings: list[str] | None = None, survivors: tuple[int, ...] = ()
) -> Outcome:
    endings = endings or ["restored"] * len(answers)
    reports = [{"duration": 0.001}] * endings.count("restored")
    return Outcome(answers, endings, [], reports, list(survivors), [0.05] * (1 + len(endings) - len(reports)))


REVERTED = Victim("c", "one", MEMORY)
RETIRED = Victim("c", "two", THREADS_LOST, Expected.RETIRE)
FAILING = Victim("c", "three", FAULTS, Expected.NO_ANSWER)


class TestSelfTest:
    def test_a_victim_that_holds(self) -> None:
        found = selftest.judge(REVERTED, "", ["1", "2"], outcome(["1", "1"]))
        assert (found.verdict, found.answer, found.restore_us, found.start_ms) == (
            "holds",
            "reverted",
            1000,
            None,
        )

    def test_a_victim_that_leaks(self) -> None:
        found = selftest.judge(REVERTED, "", ["1", "2"], outcome(["1", "3"]))
        assert (found.verdict, found.note) == ("leaks", "answered 3, a first request gets 1")

    def test_a_victim_that_leaks_where_the_kernel_does_not_tell_of_the_layout(self) -> None:
        found = selftest.judge(REVERTED, "", ["1", "2"], outcome(["1", "1"]), outcome(["1", "3"]))
        assert (found.verdict, found.note) == ("leaks", "answered 3, a first request gets 1")
        assert (found.requests, found.start_ms) == (4, None)

    def test_processes_left_running_are_a_leak(self) -> None:
        assert selftest.judge(REVERTED, "", ["1", "2"], outcome(["1"], survivors=(7,))).verdict == "leaks"

    def test_a_victim_that_never_leaks_proves_nothing(self) -> None:
        found = selftest.judge(REVERTED, "", ["1", "1"], outcome(["1", "1"]))
        assert (found.verdict, found.note) == (
            "proves nothing",
            "no request of 2 without isolation saw an earlier one",
        )

    def test_one_that_is_only_retired_is_marked_so(self) -> None:
        found = selftest.judge(RETIRED, "", ["1", "2"], outcome(["1", "1"], ["thread-ended"] * 2))
        assert (found.verdict, found.answer, found.note) == ("holds", "retired", "thread-ended")
        assert found.start_ms == 50
        assert found.restore_us is None

    def test_by_turns(self) -> None:
        found = selftest.judge(RETIRED, "", ["1", "2"], outcome(["1", "1"], ["restored", "thread-ended"]))
        assert found.answer == "reverted or retired"

    def test_a_function_that_fails(self) -> None:
        found = selftest.judge(FAILING, "", [None], outcome([None], ["the process has ended"]))
        assert (found.verdict, found.answer) == ("holds", "the function failed")

    @pytest.mark.parametrize(
        ("victim", "verdict"),
        [
            (Victim("c", "six", MEMORY, Expected.REFUSED), "holds"),
            (Victim("c", "six", MEMORY, Expected.SAFE, root_only=True), "holds"),
            (Victim("c", "six", MEMORY, Expected.SAFE), "failed"),
            (REVERTED, "failed"),
        ],
    )
    def test_one_of_which_no_snapshot_is_taken(self, victim: Victim, verdict: str) -> None:
        assert selftest.judge(victim, "", ["1", "2"], outcome([], ["no snapshot"])).verdict == verdict

    def test_the_first_answer_of_one_that_sees_the_engine(self) -> None:
        victim = Victim("c", "four", MEMORY, sees_engine=True)
        assert selftest.judge(victim, "", ["1", "2"], outcome(["5", "5"]), outcome(["6"])).verdict == "holds"
        assert selftest.judge(victim, "", ["1", "2"], outcome(["5", "6"])).verdict == "leaks"

    def test_one_that_never_runs_without_isolation(self) -> None:
        victim = Victim("c", "five", MEMORY, isolated_answer="1")
        assert selftest.unisolated(victim, ("false",)) == []
        assert selftest.judge(victim, "", [], outcome(["1", "1"])).verdict == "holds"
        found = selftest.judge(victim, "", [], outcome(["2", "2"]))
        assert (found.verdict, found.note) == ("leaks", "answered 2, a first request gets 1")

    @pytest.mark.parametrize(
        ("expected", "rounds", "wanted", "given"),
        [
            (Expected.REVERT, 0, 100, 100),
            (Expected.SAFE, 0, 100, 4),
            (Expected.SAFE, 0, 2, 2),
            (Expected.SAFE, 60, 12, 60),
            (Expected.REVERT, 60, 100, 100),
        ],
    )
    def test_how_many_requests_a_victim_gets(
        self, expected: Expected, rounds: int, wanted: int, given: int
    ) -> None:
        assert Victim("c", "six", MEMORY, expected, rounds=rounds).requests(wanted) == given

    def test_patterns(self) -> None:
        names = [victim.name for victim in selftest.chosen("PYTHON-c")]
        assert names
        assert all(name.startswith("python-c") for name in names)
        assert {victim.leaves for victim in selftest.chosen("mlock")} == {selftest.chosen("mlock")[0].leaves}
        assert selftest.chosen("no such thing") == ()

    @pytest.mark.parametrize(
        ("verdicts", "required", "code"),
        [
            (["holds"], (), 0),
            (["holds", "proves nothing"], (), 0),
            (["holds", "leaks"], (), 1),
            (["holds", "failed"], (), 1),
            (["holds", "not run"], (), 0),
            (["holds", "not run"], ("c",), 1),
            (["holds", "not run"], ("java",), 0),
            (["not run"], (), 1),
        ],
    )
    def test_the_exit_code(
        self, verdicts: list[selftest.Verdict], required: tuple[str, ...], code: int
    ) -> None:
        findings = [selftest.not_run(REVERTED, "", "no gcc here", verdict) for verdict in verdicts]
        assert selftest.summarise(findings).exit_code(findings, required) == code

    def test_what_was_not_run_is_counted(self) -> None:
        lacking = selftest.not_run(REVERTED, "", "no gcc here", "not run")
        held = selftest.judge(REVERTED, "", ["1", "2"], outcome(["1", "1"]))
        summary = selftest.summarise([lacking, lacking, held])
        assert summary.not_run == {"no gcc here": 2}
        assert "2 were not run: no gcc here." in summary.sentences()

    def test_the_page_and_the_table(self, capsys: pytest.CaptureFixture[str]) -> None:
        held = selftest.judge(REVERTED, "nobody", ["1", "2"], outcome(["1", "1"]))
        leaking = selftest.judge(REVERTED, "", ["1", "2"], outcome(["1", EVIL]))
        lacking = selftest.not_run(RETIRED, "", "no gcc here", "not run")
        findings = [held, leaking, lacking]
        sentences = selftest.summarise(findings).sentences()
        text = pages.of_self_test(findings, sentences, {"kernel": "6.12", "strategy": "hot"})
        assert "<script" not in text
        assert '<span class="bad">leaks</span>' in text
        audit_tables.show_findings(findings, sentences)
        shown = capsys.readouterr().out
        for words in ("c one (nobody)", "1,000 µs", "leaks", "not run: no gcc here", "in 2 trials"):
            assert words in shown


def test_numbers_stand_right_and_nothing_is_nothing() -> None:
    made = html.table(("a", "b", "c"), [(1, 2.6, None)])
    assert '<td class="number">1</td><td class="number">3</td><td></td>' in made
