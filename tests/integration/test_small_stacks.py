"""Programs whose first thread runs on a small stack, with their data right below it: it stays as it is.

They look themselves: data that the snapshot has overwritten is what every restore compares with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from groundhog import Function, Pool
from tests.framework import programs
from tests.framework.observers import Retirements

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.kernel, pytest.mark.long, pytest.mark.timeout(600)]

PROGRAMS: dict[str, Callable[[], tuple[str, ...]]] = {
    "c-ucontext": lambda: programs.c("fibers", "ucontext"),
    "c-switched": lambda: programs.c("fibers", "switched"),
    "go": lambda: programs.go("goroutines"),
    "rust-tokio-current-thread": lambda: programs.rust("tasks", "current-thread"),
    "rust-tokio-multi-thread": lambda: programs.rust("tasks", "multi-thread"),
    "ruby-fibers": lambda: programs.ruby("fibers"),
}
REQUESTS = [100, pytest.param(1000, marks=pytest.mark.slow)]


@pytest.mark.parametrize("requests", REQUESTS)
@pytest.mark.parametrize("program", PROGRAMS)
async def test_data_near_the_stack_is_as_it_was(program: str, requests: int) -> None:
    command = PROGRAMS[program]
    retirements = Retirements()
    answers: list[dict[str, Any]] = []
    async with Pool(Function.from_command(command(), warmup=[{}]), workers=1, observer=retirements) as pool:
        for _ in range(requests):
            value = (await pool.invoke({"thread": True})).value
            assert isinstance(value, dict)
            assert value["changed"] == 0
            answers.append(value)
    assert retirements.messages == []
    # Each is the first one after the warm-up, of one process or of the one that superseded it.
    assert {answer["requests"] for answer in answers} == {2}
    assert len({answer["pid"] for answer in answers}) <= 2
    assert all(answer.get("inside", True) for answer in answers)
