"""The plugin that fails a run for a skip nobody allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., pytest.RunResult]


@pytest.fixture
def run(pytester: pytest.Pytester) -> Run:
    def run(source: str, *options: str) -> pytest.RunResult:
        pytester.makeini(
            "[pytest]\nasyncio_default_fixture_loop_scope = function\nmarkers = may_skip(reason): leave"
        )
        pytester.makepyfile("import pytest\n" + source)
        return pytester.runpytest_inprocess(
            "-p", "tests.framework.skips", "-p", "no:randomly", "-p", "no:cov", *options
        )

    return run


def test_a_skip_without_leave_fails(run: Run) -> None:
    result = run("def test_it(): pytest.skip('no such kernel')")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*skipped without leave*no such kernel*"])


def test_a_skip_marker_without_leave_fails(run: Run) -> None:
    result = run("@pytest.mark.skipif(True, reason='some reason')\ndef test_it(): pass")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert result.parseoutcomes().get("skipped") is None


def test_a_module_that_skips_itself_fails(run: Run) -> None:
    result = run("pytest.skip('not here', allow_module_level=True)")
    assert result.ret != pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["*skipped without leave*not here*"])


def test_a_skip_with_leave_is_a_skip(run: Run) -> None:
    run("@pytest.mark.may_skip('one core')\ndef test_it(): pytest.skip('x')").assert_outcomes(skipped=1)


def test_an_expected_failure_is_no_skip(run: Run) -> None:
    run("@pytest.mark.xfail\ndef test_it(): assert False").assert_outcomes(xfailed=1)


IN_WORKERS = """
def test_without_leave(): pytest.skip('no such kernel')

@pytest.mark.may_skip('one core')
def test_with_leave(): pytest.skip('x')

def test_it(): pass
"""


def test_in_workers_it_is_the_same(run: Run) -> None:
    result = run(IN_WORKERS, "-n", "1")
    result.assert_outcomes(failed=1, skipped=1, passed=1)
    result.stdout.fnmatch_lines(["*skipped without leave*no such kernel*"])


def test_in_workers_a_module_that_skips_itself_fails(run: Run) -> None:
    result = run("pytest.skip('not here', allow_module_level=True)", "-n", "1")
    assert result.ret != pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["*skipped without leave*not here*"])
