"""What the console says is understood, above all when something is missing from it."""

from __future__ import annotations

import pytest

from tests.kernels.report import Report

TOKEN = "cafe"
GOOD = """\
@@cafe begin engine
running 2 tests
test copies_back ... ok
test panics - should panic ... ok
test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s
@@cafe end engine 0
@@cafe done
"""


def read(console: str, *, steps: dict[str, bool] | None = None) -> Report:
    report = Report(TOKEN, steps or {"engine": True})
    for line in console.splitlines():
        report.line(line)
    return report


def test_a_good_run_has_no_problems() -> None:
    report = read(GOOD)
    assert report.problems(frozenset()) == []
    assert report.passed == 2


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("@@cafe done\n", "", "the machine stopped before the last step had ended"),
        ("@@cafe end engine 0\n@@cafe done\n", "Kernel panic - not syncing\n", "engine: did not end"),
        ("end engine 0", "end engine 101", "engine: exit status 101"),
        ("end engine 0", "end engine 99", "engine: left processes running"),
        ("back ... ok", "back ... FAILED", "engine: failed: copies_back"),
        ("back ... ok", "back ... ignored", "skipped without leave: copies_back"),
        ("back ... ok", "back ... ignored, too slow", "skipped without leave: copies_back"),
        ("2 passed", "0 passed", "engine: no test ran"),
        ("@@cafe done", "@@beef done", "the machine stopped before the last step had ended"),
    ],
)
def test_what_is_wrong_is_named(old: str, new: str, problem: str) -> None:
    assert old in GOOD
    assert problem in read(GOOD.replace(old, new)).problems(frozenset())


def test_a_skip_with_leave_is_no_problem() -> None:
    report = read(GOOD.replace("back ... ok", "back ... ignored"))
    assert report.problems(frozenset({"copies_back"})) == []


def test_a_mark_behind_unfinished_output_counts() -> None:
    report = read(GOOD.replace("@@cafe end", "no newline here@@cafe end"))
    assert report.problems(frozenset()) == []


def test_pytest_is_understood() -> None:
    report = read(
        "@@cafe begin python\n"
        "SKIPPED [1] tests/integration/test_worker.py:12: no node\n"
        "=============== 3 passed, 1 skipped, 2 deselected in 0.12s ===============\n"
        "@@cafe end python 0\n@@cafe done\n",
        steps={"python": True},
    )
    assert report.passed == 3
    assert report.problems(frozenset()) == ["skipped without leave: tests/integration/test_worker.py:12"]


def test_paint_hides_no_failure() -> None:
    report = read(GOOD.replace("back ... ok", "back ... \x1b[31mFAILED\x1b[0m"))
    assert report.problems(frozenset()) == ["engine: failed: copies_back"]


def test_a_program_that_is_no_test_need_not_count() -> None:
    report = read("@@cafe begin command\n@@cafe end command 0\n@@cafe done\n", steps={"command": False})
    assert report.problems(frozenset()) == []


def test_a_machine_that_did_not_come_up_may_be_tried_again() -> None:
    assert not read("Oops: int3: 0000\nKernel panic - not syncing: Fatal exception in interrupt\n").begun
    assert read(GOOD.split("@@cafe end", maxsplit=1)[0]).begun
