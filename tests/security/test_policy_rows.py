"""Every row of the policy that is not pure is made by a victim, and by an evasion."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from groundhog._core import policy
from groundhog.audit import refusals
from groundhog.audit.catalog import VICTIMS, Victim
from groundhog.audit.trials import Trial, run_through
from tests.framework.workshop import SharedWorkshop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from groundhog.audit.workshop import Workshop

    Row = tuple[str, int | None, int | None]  # call, level, operation

REQUESTS = 3  # to a victim that tries the same each time
NUMBERS = 0xFFFF_FFFF  # operations have 32 bits
UNNAMED = "syscall_"  # so begins what strace calls one that it does not know
CALL = re.compile(r"^\d+\s+(\w+)\((.*)")
# Rows that no victim makes, and why.
EXCEPTIONS: dict[Row, str] = {}

BY_ROWS = [victim for victim in VICTIMS if victim.source.endswith("_by_rows")]


@pytest.fixture(scope="module")
def workshop() -> Iterator[Workshop]:
    made = SharedWorkshop()
    yield made
    made.close()


def listed(victim: Victim, workshop: Workshop) -> list[str]:
    """The rows that it says it tries, each as often as it does."""
    command = [*workshop.command(victim), "rows"]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout.splitlines()


@pytest.mark.parametrize("victim", BY_ROWS, ids=lambda victim: victim.name)
def test_a_victim_gets_as_many_requests_as_it_tries_rows(victim: Victim, workshop: Workshop) -> None:
    assert len(listed(victim, workshop)) == victim.rounds


def test_every_option_of_sockets_is_set_by_a_victim(workshop: Workshop) -> None:
    (victim,) = (victim for victim in VICTIMS if victim.source == "options_by_rows")
    rows = [row for row in policy() if row["call"] == "setsockopt" and row["operation"] != "others"]
    named = {row["operation"] for row in rows if row["class"] != "pure"}
    assert set(listed(victim, workshop)) == named


def wanted() -> dict[Row, str]:
    """The rows that are not pure, with their names, but for those that the victim of refusals makes."""
    refused = {(row["call"], row["operation"]) for row in refusals.rows()}
    rows = [row for row in policy() if row["class"] != "pure"]
    of_operations = {row["call"] for row in policy() if row["operation"]}
    return {
        (row["call"], row["level"], row["value"]): f"{row['call']} {row['operation']}".rstrip()
        for row in rows
        if (row["call"], row["operation"]) not in refused
        and (row["operation"] or row["call"] not in of_operations)
    }


def row_of(call: str, arguments: str) -> Row:
    """The row of a call as strace prints it."""
    if call.startswith(UNNAMED):
        number = int(call.removeprefix(UNNAMED), 16)
        call = next((row["call"] for row in policy() if row["number"] == number), call)
    if call not in refusals.OPERATION:
        return call, None, None
    numbers = [int(word, 16) & NUMBERS for word in re.findall(r"0x[0-9a-f]+|\b0\b", arguments)]
    *level, operation = refusals.OPERATION[call]
    if operation >= len(numbers):
        return call, None, None
    return call, numbers[level[0]] if level else None, numbers[operation]


def made_by(victim: Victim, workshop: Workshop, log: Path) -> set[Row]:
    """The rows that it makes without isolation."""
    trace = ("strace", "-f", "-qq", "-e", "raw=all", "-e", "signal=none", "-A", "-o", str(log))
    run_through(
        Trial(
            (*trace, *workshop.command(victim)),
            max(REQUESTS, victim.rounds),
            answer_timeout=min(victim.answer_timeout, 5),
            server=workshop.server(victim),
        )
    )
    with log.open(encoding="utf-8", errors="replace") as lines:
        found = [CALL.match(line) for line in lines]
    return {row_of(*match.groups()) for match in found if match}


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_every_row_is_made_by_a_victim_and_by_an_evasion(workshop: Workshop, tmp_path: Path) -> None:
    made: set[Row] = set()
    evading: set[Row] = set()
    for victim in VICTIMS:
        # Those in other languages make no call that these do not.
        if victim.language in {"c", "python"} and not victim.isolated_answer:
            rows = made_by(victim, workshop, tmp_path / victim.name)
            made |= rows
            evading |= rows if victim.evasion else set()
    excepted = sorted(wanted()[row] for row in EXCEPTIONS)
    assert sorted(name for row, name in wanted().items() if row not in made) == excepted
    assert sorted(name for row, name in wanted().items() if row not in evading) == excepted
