"""`groundhog bench` through the real command line; what the figures are is not a test's business."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.kernel


def bench(*arguments: str) -> str:
    command = [sys.executable, "-m", "groundhog.cli", "bench", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=100).stdout


def test_the_figures_are_well_formed() -> None:
    lines = [json.loads(line) for line in bench("--requests", "20", "--warm", "5", "--json").splitlines()]
    machine, rows = lines[0]["machine"], lines[1:]
    assert machine["memcpy_seconds_per_page"] > 0
    modes = {(row["function"], row["mode"]) for row in rows}
    assert {("hello", "off"), ("json_documents", "off")} < modes
    for row in rows:
        assert row["requests"] == 20
        assert row["request"] > 0
        assert (row["restore"] is None) == (row["mode"] == "off")
        if row["restore"] is not None:
            assert row["dirty_pages"] > 0
            assert sum(row["phases"].values()) > 0


def test_a_steady_function_takes_no_tracking_fault() -> None:
    """With hot pages nothing is protected that every request writes; the published way protects it all."""
    rows = [json.loads(line) for line in bench("--requests", "100", "--json").splitlines()[1:]]
    hello = {row["mode"]: row for row in rows if row["function"] == "hello"}
    if "hot" not in hello:
        pytest.fail("the strategy hot does not work on this machine; see groundhog doctor")
    assert hello["hot"]["tracking_faults"] < 1
    assert hello["hot"]["page_faults"] < 2
    assert hello["classic"]["tracking_faults"] > 20
    assert hello["classic"]["page_faults"] > 20


def test_a_function_of_ones_own_is_measured(source: Callable[[str, str], Path]) -> None:
    handler = source("own.py", "def main(params):\n    return {'sum': sum(range(params['n']))}\n")
    out = bench(str(handler), "--payload", '{"n": 10}', "--requests", "10", "--mode", "copy", "--mode", "off")
    assert "own copy" in out
    assert "memcpy of a page" in out
