"""Every victim of the catalog on the machine at hand: does it leak without isolation, and hold with it?"""

from __future__ import annotations

import contextlib
import dataclasses
import fnmatch
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from groundhog.audit.catalog import VICTIMS
from groundhog.audit.dropped import Nobody
from groundhog.audit.inventory import ROWS
from groundhog.audit.processes import NoAnswerError
from groundhog.audit.trials import NO_SNAPSHOT, Outcome, Trial, run_plain, run_traced
from groundhog.audit.workshop import MissingToolError
from groundhog.errors import GroundhogError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from groundhog.audit.catalog import Victim
    from groundhog.audit.workshop import Workshop

    Run = Callable[[Trial], Outcome]

Verdict = Literal["holds", "leaks", "proves nothing", "not run", "failed"]
VERDICT_COLOURS: dict[Verdict, str] = {
    "holds": "good",
    "leaks": "bad",
    "proves nothing": "mild",
    "not run": "mild",
    "failed": "bad",
}
User = Literal["", "nobody"]

UNTIL_LEAK = 200  # requests within which a victim must show its leak


@dataclass(frozen=True)
class Finding:
    """What came of one victim."""

    channel: str
    language: str
    victim: str
    evasion: bool
    user: User  # as whom: empty for who runs the self-test
    answer: str  # reverted, retired, reverted or retired, forbidden, the function failed; empty if not run
    requests: int
    restore_us: float | None  # median
    start_ms: float | None  # median cold start, where processes were replaced
    verdict: Verdict
    note: str = ""


def chosen(pattern: str | None) -> tuple[Victim, ...]:
    """The victims whose name or channel has the pattern in it, by channel; all without one."""
    rows = [row.channel for row in ROWS]
    ordered = sorted(VICTIMS, key=lambda victim: rows.index(victim.leaves))
    wanted = f"*{(pattern or '').lower()}*"
    return tuple(
        victim
        for victim in ordered
        if any(fnmatch.fnmatch(text.lower(), wanted) for text in (victim.name, victim.leaves))
    )


def run(
    victims: Iterable[Victim],
    workshop: Workshop,
    requests: int,
    *,
    strategy: str | None = None,
    as_nobody: bool = False,
) -> Iterator[Finding]:
    """Try each victim as whoever runs this, and, if asked for, without any privileges, too."""
    with contextlib.ExitStack() as stack:
        supervisors: dict[User, Run] = {"": run_traced}
        if as_nobody:
            supervisors["nobody"] = stack.enter_context(Nobody()).run
        for victim in victims:
            for user, supervisor in supervisors.items():
                yield _tried(victim, workshop, requests, strategy, user, supervisor)


def _tried(
    victim: Victim,
    workshop: Workshop,
    requests: int,
    strategy: str | None,
    user: User,
    supervisor: Run,
) -> Finding:
    """Half of the requests are served each way, but no fewer than two: the second may tell of the first."""
    try:
        command, server = workshop.command(victim), workshop.server(victim)
        plain = unisolated(victim, command, server)
        outcomes = [
            isolated(victim, command, server, max(share, min(requests, 2)), strategy, supervisor, watch=watch)
            for watch, share in ((True, requests - requests // 2), (False, requests // 2))
        ]
        return judge(victim, user, plain, *outcomes)
    except MissingToolError as error:
        return not_run(victim, user, str(error), "not run")
    except (GroundhogError, NoAnswerError, OSError, RuntimeError) as error:
        return not_run(victim, user, " ".join(str(error).split()), "failed")


def unisolated(victim: Victim, command: tuple[str, ...], server: tuple[str, ...] = ()) -> list[str | None]:
    """The answers of one process, up to the first that differs; none of a victim that never runs so."""
    if victim.isolated_answer:
        return []
    requests = max(UNTIL_LEAK, victim.rounds)
    return run_plain(Trial(command, requests, answer_timeout=victim.answer_timeout, server=server))


def isolated(
    victim: Victim,
    command: tuple[str, ...],
    server: tuple[str, ...],
    requests: int,
    strategy: str | None,
    supervisor: Run,
    *,
    watch: bool,
) -> Outcome:
    """Serve it with a restore after each request."""
    trial = Trial(
        command,
        victim.requests(requests),
        strategy=strategy,
        answer_timeout=victim.answer_timeout,
        jail=victim.jail,
        server=server,
        watch=watch,
    )
    return supervisor(trial)


def judge(victim: Victim, user: User, plain: list[str | None], *outcomes: Outcome) -> Finding:
    """Compare the answers with isolation with the first one; one that could not leak proves nothing.

    ``outcomes``: where the kernel tells of calls that change the layout, and where not; a pool has both.
    """
    found = [(first_answer(victim, plain, outcome), outcome) for outcome in outcomes]
    first = found[0][0]
    others = sorted(
        {str(answer) for first, outcome in found for answer in outcome.answers if answer != first}
    )
    outcome = joined(outcomes)
    verdict: Verdict = "holds"
    note = ""
    if not victim.expects(refused=NO_SNAPSHOT in outcome.endings):
        verdict, note = "failed", "; ".join(outcome.refusals) or "a snapshot of it was taken"
    elif others:
        verdict, note = "leaks", f"answered {others[0]}, a first request gets {first}"
    elif outcome.survivors:
        verdict, note = "leaks", f"processes left running: {outcome.survivors}"
    elif plain and plain[-1] == plain[0] and plain[0] is not None:
        verdict, note = "proves nothing", f"no request of {len(plain)} without isolation saw an earlier one"
    else:
        reasons = sorted({ending for ending in outcome.endings if ending != "restored"})
        note = ", ".join(reasons)
    return Finding(
        channel=victim.leaves,
        language=victim.language,
        victim=victim.source,
        evasion=victim.evasion,
        user=user,
        answer=answer_of(victim, outcome),
        requests=len(outcome.answers),
        restore_us=median([report["duration"] * 1e6 for report in outcome.reports]),
        start_ms=median([start * 1e3 for start in outcome.starts])
        if len(outcome.starts) > len(outcomes)
        else None,
        verdict=verdict,
        note=note,
    )


def first_answer(victim: Victim, plain: list[str | None], outcome: Outcome) -> str | None:
    """What every answer must be."""
    if victim.isolated_answer:
        return victim.isolated_answer
    return outcome.answers[0] if victim.sees_engine and outcome.answers else plain[0]


def joined(outcomes: Iterable[Outcome]) -> Outcome:
    """What came of all of them, one after the other."""
    whole = Outcome()
    for outcome in outcomes:
        for field in dataclasses.fields(Outcome):
            getattr(whole, field.name).extend(getattr(outcome, field.name))
    return whole


def answer_of(victim: Victim, outcome: Outcome) -> str:
    """What became of the state, in one word or two."""
    endings = set(outcome.endings)
    if NO_SNAPSHOT in endings:
        return "refused"
    if all(answer is None for answer in outcome.answers):
        return "the function failed"
    if victim.expected.value == "forbidden" and endings == {"restored"}:
        return "forbidden"
    if endings == {"restored"}:
        return "reverted"
    return "reverted or retired" if "restored" in endings else "retired"


def median(numbers: list[float]) -> float | None:
    """None of nothing."""
    return statistics.median(numbers) if numbers else None


def not_run(victim: Victim, user: User, why: str, verdict: Verdict) -> Finding:
    """A victim of which nothing is known."""
    return Finding(
        channel=victim.leaves,
        language=victim.language,
        victim=victim.source,
        evasion=victim.evasion,
        user=user,
        answer="",
        requests=0,
        restore_us=None,
        start_ms=None,
        verdict=verdict,
        note=why,
    )


@dataclass(frozen=True)
class Summary:
    """All findings in numbers."""

    victims: int
    trials: int  # more than one a victim when each is tried as two users
    channels: int
    evasions: int
    reverted: int
    retired: int
    refused: int  # no snapshot is taken of them
    failed_functions: int
    leaks: int
    proves_nothing: int
    not_run: dict[str, int]  # by reason
    failed: int

    def sentences(self) -> list[str]:
        """The same for people."""
        became = (
            f"{self.reverted} reverted, {self.retired} only retired, {self.refused} refused at the snapshot,"
            f" {self.failed_functions} failed"
        )
        left = f"left {self.channels} kinds of state in {self.trials} trials"
        lines = [
            f"{self.victims} victims, {self.evasions} of them evasions, {left}.",
            f"What became of them: {became}. With isolation, {self.leaks or 'none'} of them leak.",
        ]
        if self.proves_nothing:
            lines.append(f"{self.proves_nothing} prove nothing here: they do not leak without isolation.")
        lines += [f"{count} were not run: {reason}." for reason, count in self.not_run.items()]
        if self.failed:
            lines.append(f"{self.failed} could not be run although what they need is here.")
        return lines

    def exit_code(self, findings: list[Finding], required: tuple[str, ...]) -> int:
        """1 when something leaks, failed to run although its tools are here, or is required and not run."""
        lacking = any(finding.verdict == "not run" and finding.language in required for finding in findings)
        return 1 if self.leaks or self.failed or lacking or not self.trials else 0


def summarise(findings: list[Finding]) -> Summary:
    """Count them."""
    tried = [finding for finding in findings if finding.verdict not in {"not run", "failed"}]
    reasons = [finding.note for finding in findings if finding.verdict == "not run"]
    return Summary(
        victims=len({(finding.language, finding.victim) for finding in tried}),
        trials=len(tried),
        channels=len({finding.channel for finding in tried}),
        evasions=len({(finding.language, finding.victim) for finding in tried if finding.evasion}),
        reverted=sum(finding.answer in {"reverted", "forbidden"} for finding in tried),
        retired=sum("retired" in finding.answer for finding in tried),
        refused=sum(finding.answer == "refused" for finding in tried),
        failed_functions=sum(finding.answer == "the function failed" for finding in tried),
        leaks=sum(finding.verdict == "leaks" for finding in tried),
        proves_nothing=sum(finding.verdict == "proves nothing" for finding in tried),
        not_run={reason: reasons.count(reason) for reason in sorted(set(reasons))},
        failed=sum(finding.verdict == "failed" for finding in findings),
    )
