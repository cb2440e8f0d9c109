"""The plugin that runs some tests alone, however many workers there are."""

from __future__ import annotations

import contextlib
import fcntl
import threading
from typing import TYPE_CHECKING
from unittest.mock import Mock

import pytest

from tests.framework.alone import Turns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Test = Callable[[Turns, str], contextlib.AbstractContextManager[None]]


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[list[Turns]]:
    """Three of them, as they would be in processes of their own: each has opened the files itself."""
    made = [Turns(tmp_path) for _ in range(3)]
    yield made
    for worker in made:
        worker.pytest_unconfigure()


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def running(told: list[str]) -> Test:
    """Run a test on a worker while a block lasts, by itself if it is named so; it is told when."""

    @contextlib.contextmanager
    def run(worker: Turns, name: str) -> Iterator[None]:
        item = Mock(get_closest_marker=lambda marker: marker if marker in name else None)
        protocol = worker.pytest_runtest_protocol(item)
        next(protocol)
        told.append(f"{name} begins")
        yield
        told.append(f"{name} ends")
        with contextlib.suppress(StopIteration):
            protocol.send(None)

    return run


def is_held(path: Path) -> bool:
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_tests_run_at_once(workers: list[Turns], running: Test) -> None:
    with running(workers[0], "a"), running(workers[1], "b"), running(workers[2], "c"):
        pass


def test_one_that_runs_alone_waits_for_those_that_run_and_holds_up_the_next(
    workers: list[Turns], running: Test, told: list[str], tmp_path: Path
) -> None:
    begun = threading.Event()

    def alone() -> None:
        with running(workers[1], "alone b"):
            begun.set()
            threads[1].start()
            # It would begin at once, if it did not wait.
            threads[1].join(0.1)

    def another() -> None:
        with running(workers[2], "c"):
            pass

    threads = [threading.Thread(target=alone), threading.Thread(target=another)]
    with running(workers[0], "a"):
        threads[0].start()
        while not is_held(tmp_path / "gate"):
            pass
        assert not begun.is_set()
    for thread in threads:
        begun.wait()
        thread.join()
    assert told == ["a begins", "a ends", "alone b begins", "alone b ends", "c begins", "c ends"]


TESTS = """
import fcntl, pathlib, pytest

@pytest.fixture
def refused(request):
    def refused(how):
        folder = pathlib.Path(request.config.workerinput["groundhog_locks"])
        with (folder / "running").open("rb") as file:
            try:
                fcntl.flock(file, how | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False
    return refused

@pytest.mark.alone
def test_alone(refused):
    assert refused(fcntl.LOCK_SH)

@pytest.mark.parametrize("number", range(3))
def test_together(refused, number):
    assert refused(fcntl.LOCK_EX)
    assert not refused(fcntl.LOCK_SH)
"""


def run(pytester: pytest.Pytester, source: str, *options: str) -> pytest.RunResult:
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\nmarkers = alone: by itself")
    pytester.makepyfile(source)
    fixed = ("-p", "tests.framework.alone", "-p", "no:randomly", "-p", "no:cov")
    return pytester.runpytest_inprocess(*fixed, *options)


def test_workers_agree(pytester: pytest.Pytester) -> None:
    run(pytester, TESTS, "-n", "2").assert_outcomes(passed=4)


def test_without_workers_nothing_is_waited_for(pytester: pytest.Pytester) -> None:
    source = "import pytest\n@pytest.mark.alone\ndef test_it(worker_id): assert worker_id == 'master'"
    run(pytester, source, "-n", "0").assert_outcomes(passed=1)
