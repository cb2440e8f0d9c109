"""A test that is skipped without leave fails: what is not there must be reported, not passed over.

Leave is the marker ``may_skip(reason)`` on the test. A module that skips itself can have no marker, and so
never has leave.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

REFUSED = "skipped without leave (marker may_skip): "


def _reason(longrepr: object) -> str:
    return str(longrepr[2]) if isinstance(longrepr, tuple) else str(longrepr)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn the report of an unexpected skip into a failure."""
    report = yield
    expected_failure = hasattr(report, "wasxfail")
    if report.skipped and not expected_failure and item.get_closest_marker("may_skip") is None:
        report.outcome = "failed"
        report.longrepr = REFUSED + _reason(report.longrepr)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Likewise for a module that skips itself while it is imported."""
    report = yield
    if report.skipped:
        report.outcome = "failed"
        report.longrepr = REFUSED + _reason(report.longrepr)
    return report
