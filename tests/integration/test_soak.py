"""Requests that leave a random mix of everything behind: nothing is found, nothing fails, nothing grows."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.kernel
SOAK = Path(__file__).parents[2] / "benchmarks" / "soak.py"


def soaked(*options: str) -> tuple[int, dict[str, object]]:
    done = subprocess.run(
        [sys.executable, str(SOAK), "--json", *options], capture_output=True, text=True, check=False
    )
    assert done.stdout, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return done.returncode, found


def test_a_random_mix_leaves_nothing() -> None:
    code, found = soaked("--requests", "500")
    assert (found["left"], found["failed"]) == ({}, {})
    retirements = found["retirements"]
    assert isinstance(retirements, dict)
    assert retirements.pop("kernel-state") == 500 // 250, "those that were asked for, and no others"
    assert set(retirements) <= {"superseded"}
    assert code == 0, found


def test_without_isolation_it_leaves_all_of_it() -> None:
    code, found = soaked("--requests", "100", "--workers", "1", "--isolation", "off")
    assert code == 1
    assert {"cache", "files", "descriptors", "environment", "mask"} <= set(found["left"])  # type: ignore[call-overload]
