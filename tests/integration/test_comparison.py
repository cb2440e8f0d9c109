"""The comparison with other ways to a clean process: that it runs, and what it writes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_every_rival_answers_and_stands_on_the_page(tmp_path: Path) -> None:
    output, page = tmp_path / "results.jsonl", tmp_path / "page.md"
    words = ["--rounds", "1", "--output", str(output), "--page", str(page)]
    subprocess.run([sys.executable, str(ROOT / "benchmarks/rivals/measure.py"), *words], check=True)
    first, *rows = [json.loads(line) for line in output.read_text("utf-8").splitlines()]
    assert len(rows) + len(first["absent"]) == 10
    assert all(row["p50_s"] > 0 and row["at_once_s"] > 0 for row in rows)
    text = page.read_text("utf-8")
    assert all(f"| {row['name']} |" in text for row in rows)
    assert all(what in text and why in text for what, why in first["absent"].items())
