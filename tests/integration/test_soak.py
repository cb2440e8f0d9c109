"""Requests that leave a random mix of everything behind: nothing is found, nothing fails, nothing grows."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.kernel
SOAK = Path(__file__).parents[2] / "benchmarks" / "soak.py"


def soaked(*options: str) -> tuple[int, dict[str, object], str]:
    """The exit code, what came of it, and what was said on the way."""
    done = subprocess.run(
        [sys.executable, str(SOAK), "--json", *options], capture_output=True, text=True, check=False
    )
    assert done.stdout, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return done.returncode, found, done.stderr


def test_a_random_mix_leaves_nothing() -> None:
    code, found, said = soaked("--requests", "500")
    assert (found["left"], found["failed"]) == ({}, {}), said
    retirements = found["retirements"]
    assert isinstance(retirements, dict)
    assert retirements.pop("kernel-state") == 500 // 250, "those that were asked for, and no others"
    assert set(retirements) <= {"superseded"}, said
    assert code == 0, found


def test_without_isolation_it_leaves_all_of_it() -> None:
    code, found, _ = soaked("--requests", "100", "--workers", "1", "--isolation", "off")
    assert code == 1
    assert {"cache", "files", "descriptors", "environment", "mask"} <= set(found["left"])  # type: ignore[call-overload]
