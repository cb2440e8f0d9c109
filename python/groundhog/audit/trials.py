"""One victim, many requests: what was answered, and how each request ended."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import shutil
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundhog import temporary
from groundhog._core import capabilities
from groundhog.audit.late_server import LateServer
from groundhog.audit.processes import NoAnswerError, Plain, Program, Traced, marked
from groundhog.errors import RestoreRefusedError, SnapshotRefusedError, TraceeExitedError

if TYPE_CHECKING:
    from collections.abc import Iterator

START_TIMEOUT = 60.0
LATER_TIMEOUT = 5.0
"""Without isolation: a later answer that does not come within these seconds is another one."""
LARGE = 50_000


NO_SNAPSHOT = "no snapshot"  # how a process ends of which none is taken


@dataclass(frozen=True)
class Trial:
    """What to run: see `groundhog.audit.catalog` for victims. Times in seconds."""

    argv: tuple[str, ...]
    requests: int
    verify: bool = False
    strategy: str | None = None
    answer_timeout: float = 60.0
    jail: str | None = "auto"  # the best that works here
    server: tuple[str, ...] = ()  # that the victim talks to
    watch: bool = True  # the kernel tells of its calls that change the layout

    def to_json(self) -> str:
        """It as text."""
        return json.dumps(dataclasses.asdict(self))

    @staticmethod
    def from_json(text: str) -> Trial:
        """What `to_json` made."""
        fields = json.loads(text)
        return Trial(**{**fields, "argv": tuple(fields["argv"]), "server": tuple(fields["server"])})


@dataclass
class Outcome:
    """What came of a trial."""

    answers: list[str | None] = field(default_factory=list)  # None: no answer
    endings: list[str] = field(default_factory=list)  # "restored", or why the process was replaced
    refusals: list[str] = field(default_factory=list)  # the messages of what was not restored
    reports: list[dict[str, Any]] = field(default_factory=list)
    survivors: list[int] = field(default_factory=list)
    starts: list[float] = field(default_factory=list)  # seconds until each process had its snapshot

    def to_json(self) -> str:
        """It as text."""
        return json.dumps(dataclasses.asdict(self))

    @staticmethod
    def from_json(text: str) -> Outcome:
        """What `to_json` made."""
        return Outcome(**json.loads(text))


def request(number: int) -> bytes:
    """The line of a request: each has a secret of its own, with no letter that victims fill memory with."""
    return json.dumps({"value": {"secret": f"Q{number:07d}"}}, separators=(",", ":")).encode() + b"\n"


def _fill(scratch: str) -> None:
    """What is there before the process."""
    Path(scratch, "below").write_text("below", encoding="ascii")
    Path(scratch, "below-large").write_bytes(b"below" * LARGE)
    Path(scratch, "below-folder", "inner").mkdir(parents=True)


@contextlib.contextmanager
def _program(trial: Trial) -> Iterator[Program]:
    """The program with a folder of its own, and its server running."""
    with contextlib.ExitStack() as stack:
        scratch = str(temporary.folder("trial"))
        stack.callback(shutil.rmtree, scratch)
        _fill(scratch)
        settings = {}
        if trial.server:
            settings = stack.enter_context(LateServer(trial.server, scratch)).environment
        mark = uuid.uuid4().hex
        stack.callback(_clean_shared_memory, mark)
        yield Program(trial.argv, scratch, mark, settings)


def _clean_shared_memory(mark: str) -> None:
    """Remove what a victim without a jail has left in memory that has a name."""
    for left in Path("/dev/shm").glob(f"victim-{mark}*"):  # noqa: S108 - where POSIX has it
        if left.is_dir():
            shutil.rmtree(left)
        else:
            left.unlink()


def run_plain(trial: Trial) -> list[str | None]:
    """The answers of one process without isolation, up to the first that differs from the first."""
    with _program(trial) as program:
        return _answers(program, trial)


def _answers(program: Program, trial: Trial) -> list[str | None]:
    answers: list[str | None] = []
    process = Plain(program, start_timeout=START_TIMEOUT)
    try:
        for number in range(trial.requests):
            try:
                patience = min(trial.answer_timeout, LATER_TIMEOUT) if answers else trial.answer_timeout
                answers.append(process.ask(request(number), patience).decode())
            except NoAnswerError:
                answers.append(None)
            if answers[-1] != answers[0] or answers[-1] is None:
                break
    finally:
        process.close()
    return answers


def run_through(trial: Trial) -> list[str | None]:
    """All answers without isolation. A process serves on and on; one that does not answer is replaced."""
    answers: list[str | None] = []
    process: Plain | None = None
    with _program(trial) as program:
        for number in range(trial.requests):
            process = process or Plain(program, start_timeout=START_TIMEOUT)
            try:
                answers.append(process.ask(request(number), trial.answer_timeout).decode())
            except NoAnswerError:
                answers.append(None)
            if answers[-1] is None or number == trial.requests - 1:
                process.close()
                process = None
    return answers


def run_traced(trial: Trial) -> Outcome:
    """Serve the requests with a restore after each; a process that cannot be restored is replaced."""
    with _program(trial) as program:
        return _outcome(program, trial)


def _outcome(program: Program, trial: Trial) -> Outcome:
    jail = capabilities()["preferred_jail"] if trial.jail == "auto" else trial.jail
    outcome = Outcome()
    process: Traced | None = None
    try:
        for number in range(trial.requests):
            if process is None:
                begun = time.monotonic()
                try:
                    process = Traced(
                        program,
                        strategy=trial.strategy,
                        jail=jail,
                        watch=trial.watch,
                        start_timeout=START_TIMEOUT,
                    )
                except SnapshotRefusedError as error:
                    outcome.refusals.append(str(error))
                    outcome.endings.append(NO_SNAPSHOT)
                    break
                outcome.starts.append(time.monotonic() - begun)
            ending = _serve(process, trial, number, outcome)
            outcome.endings.append(ending)
            if ending != "restored":
                process.close()
                process = None
                if jail == "landlock":  # as in a pool: a new process has a scratch folder of its own
                    shutil.rmtree(program.scratch)
                    Path(program.scratch).mkdir(0o700)
                    _fill(program.scratch)
                outcome.survivors += marked(program.mark)
    finally:
        if process is not None:
            process.close()
        outcome.survivors += marked(program.mark)
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
