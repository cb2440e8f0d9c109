"""A cluster of three nodes, for all tests of this folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from ray import serve

from benchmarks import marks
from tests.ray.cluster import Nodes, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

NODES = 3
_MEASURED = pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let what was measured be written into a page."""
    parser.addoption("--page", type=Path, help="write what was measured between the marks of a page")


@pytest.fixture(scope="session")
def cluster() -> Iterator[Nodes]:
    nodes = Nodes(NODES)
    try:
        with nodes.connected():
            yield nodes
    finally:
        nodes.shutdown()


@pytest.fixture
def nodes(cluster: Nodes) -> Iterator[Nodes]:
    """The cluster as it was at first, and no application on it."""
    yield cluster
    for name in serve.status().applications:
        serve.delete(name)
    while len(cluster.added) < NODES - 1:
        cluster.added.append(cluster.add())
    for node in cluster.added[NODES - 1 :]:
        cluster.remove(node)
    eventually(lambda: cluster.alive() == NODES and not cluster.replicas(), "an empty cluster")


@pytest.fixture
def report(request: pytest.FixtureRequest) -> list[str]:
    """What was measured: lines for the end of the run."""
    return request.config.stash.setdefault(_MEASURED, [])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say what was measured."""
    measured: list[str] = config.stash.get(_MEASURED, [])
    lines = sorted(measured)
    for line in lines:
        terminalreporter.write_line(line)
    if (page := config.getoption("--page")) and lines:
        made = "".join(f"- {line}\n" for line in lines)
        marks.write(page, "a run of make test-ray", "tests/ray/conftest.py", made)
