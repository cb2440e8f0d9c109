"""Understanding the console: which steps ran, which tests passed, and whether that is what was expected."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

RUST_TEST = re.compile(r"^test (?P<name>\S+)(?: - should panic)? \.\.\. (?P<result>ok|ignored|FAILED)")
RUST_RESULT = re.compile(r"^test result: \w+\. (?P<passed>\d+) passed; \d+ failed; ")
PYTEST_SKIP = re.compile(r"^SKIPPED \[\d+\] (?P<name>[^\s:]+(?::\d+)?)")
PYTEST_RESULT = re.compile(r"^=+ (?=.*\bin [\d.]+s)(?P<counts>.*?) in [\d.]+s")
PAINT = re.compile(r"\x1b\[[0-9;]*m")
LEFT_RUNNING = 99


@dataclass
class Step:
    """What the console said of one step."""

    name: str
    counts_tests: bool
    status: int | None = None
    passed: int = 0
    failed: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    def line(self, text: str) -> None:
        """Take in one line of the step's output."""
        text = PAINT.sub("", text)
        test = RUST_TEST.match(text)
        if test and test["result"] != "ok":
            (self.skipped if test["result"] == "ignored" else self.failed).append(test["name"])
        elif result := RUST_RESULT.match(text):
            self.passed += int(result["passed"])
        elif skip := PYTEST_SKIP.match(text):
            self.skipped.append(skip["name"])
        elif result := PYTEST_RESULT.match(text):
            passed = re.search(r"(\d+) passed", result["counts"])
            self.passed += int(passed[1]) if passed else 0

    def problems(self) -> list[str]:
        """What is wrong with the step, apart from skipped tests."""
        found = []
        if self.status is None:
            found.append("did not end")
        elif self.status == LEFT_RUNNING:
            found.append("left processes running")
        elif self.status != 0:
            found.append(f"exit status {self.status}")
        if self.failed:
            found.append(f"failed: {', '.join(self.failed)}")
        if self.counts_tests and self.status == 0 and self.passed == 0:
            found.append("no test ran")
        return found


class Report:
    """The console of one machine, read line by line."""

    def __init__(self, token: str, steps: dict[str, bool]) -> None:
        """Expect these steps; the values say whether a step is a test program, which must run some test."""
        mark = rf"@@{re.escape(token)} (?P<event>\w+)(?: (?P<name>\S+))?(?: (?P<status>\d+))?$"
        self._mark = re.compile(mark)
        self.steps = {name: Step(name, counts) for name, counts in steps.items()}
        self.begun = False
        self.complete = False
        self._current: Step | None = None

    def line(self, text: str) -> bool:
        """Take in a line; return whether it is of interest to a reader."""
        mark = self._mark.search(text)
        if mark is None:
            if self._current is not None:
                self._current.line(text)
            return not self.complete
        if mark["event"] == "begin":
            self.begun = True
            self._current = self.steps[mark["name"]]
        elif mark["event"] == "end":
            self.steps[mark["name"]].status = int(mark["status"])
            self._current = None
        elif mark["event"] == "done":
            self.complete = True
        return False

    def problems(self, expected_skips: frozenset[str]) -> list[str]:
        """Everything that makes the run a failure, one line each."""
        found = [f"{step.name}: {problem}" for step in self.steps.values() for problem in step.problems()]
        skipped = {test for step in self.steps.values() for test in step.skipped}
        found += [f"skipped without leave: {test}" for test in sorted(skipped - expected_skips)]
        if not self.complete:
            found.append("the machine stopped before the last step had ended")
        return found

    @property
    def passed(self) -> int:
        """How many tests passed."""
        return sum(step.passed for step in self.steps.values())
