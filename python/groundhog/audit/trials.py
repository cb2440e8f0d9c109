"""One victim, many requests: what was answered, and how each request ended."""

from __future__ import annotations

import dataclasses
import json
import shutil
import tempfile
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from groundhog._core import capabilities
from groundhog.audit.processes import NoAnswerError, Plain, Program, Traced, marked
from groundhog.errors import RestoreRefusedError, TraceeExitedError

START_TIMEOUT = 60.0


@dataclass(frozen=True)
class Trial:
    """What to run: see `groundhog.audit.catalog` for victims. Times in seconds."""

    argv: tuple[str, ...]
    requests: int
    verify: bool = False
    strategy: str | None = None
    answer_timeout: float = 60.0
    jail: str | None = "auto"  # the best that works here

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self))

    @staticmethod
    def from_json(text: str) -> Trial:
        fields = json.loads(text)
        return Trial(**{**fields, "argv": tuple(fields["argv"])})


@dataclass
class Outcome:
    """What came of a trial."""

    answers: list[str | None] = field(default_factory=list)  # None: no answer
    endings: list[str] = field(default_factory=list)  # "restored", or why the process was replaced
    refusals: list[str] = field(default_factory=list)  # the messages of what was not restored
    reports: list[dict[str, Any]] = field(default_factory=list)
    survivors: list[int] = field(default_factory=list)

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self))

    @staticmethod
    def from_json(text: str) -> Outcome:
        return Outcome(**json.loads(text))


def request(number: int) -> bytes:
    """The line of a request: each has a secret of its own, with no letter that victims fill memory with."""
    return json.dumps({"value": {"secret": f"Q{number:07d}"}}, separators=(",", ":")).encode() + b"\n"


def _program(argv: tuple[str, ...]) -> Program:
    scratch = Path(tempfile.mkdtemp(prefix="groundhog-trial-"))
    _fill(scratch)
    return Program(argv, str(scratch), uuid.uuid4().hex)


def _fill(scratch: Path) -> None:
    """What is there before the process."""
    (scratch / "below").write_text("below", encoding="ascii")


def run_plain(trial: Trial) -> list[str | None]:
    """The answers of one process without isolation, up to the first that differs from the first."""
    program = _program(trial.argv)
    answers: list[str | None] = []
    process = Plain(program, start_timeout=START_TIMEOUT)
    try:
        for number in range(trial.requests):
            try:
                answers.append(process.ask(request(number), trial.answer_timeout).decode())
            except NoAnswerError:
                answers.append(None)
            if answers[-1] != answers[0] or answers[-1] is None:
                break
    finally:
        process.close()
        shutil.rmtree(program.scratch)
    return answers


def run_traced(trial: Trial) -> Outcome:
    """Serve the requests with a restore after each; a process that cannot be restored is replaced."""
    program = _program(trial.argv)
    jail = capabilities()["preferred_jail"] if trial.jail == "auto" else trial.jail
    outcome = Outcome()
    process: Traced | None = None
    try:
        for number in range(trial.requests):
            if process is None:
                process = Traced(program, strategy=trial.strategy, jail=jail, start_timeout=START_TIMEOUT)
            ending = _serve(process, trial, number, outcome)
            outcome.endings.append(ending)
            if ending != "restored":
                process.close()
                process = None
                # As a pool does: a new process has a scratch folder of its own.
                shutil.rmtree(program.scratch)
                Path(program.scratch).mkdir(0o700)
                _fill(Path(program.scratch))
                outcome.survivors += marked(program.mark)
    finally:
        if process is not None:
            process.close()
        outcome.survivors += marked(program.mark)
        shutil.rmtree(program.scratch)
    return outcome


def _serve(process: Traced, trial: Trial, number: int, outcome: Outcome) -> str:
    """One request and its restore: "restored", or why not."""
    try:
        outcome.answers.append(process.ask(request(number), trial.answer_timeout).decode())
    except NoAnswerError as error:
        outcome.answers.append(None)
        return str(error)
    # Both interleavings matter: a restore that catches the function at once, and one that finds it waiting.
    if number % 2:
        process.settle()
    try:
        report = process.restore(verify=trial.verify)
    except RestoreRefusedError as error:
        outcome.refusals.append(str(error))
        return error.reason
    except TraceeExitedError as error:
        outcome.refusals.append(str(error))
        return "exited"
    outcome.reports.append(report.as_dict())
    return "restored"
