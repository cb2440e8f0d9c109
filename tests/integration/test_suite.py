"""`groundhog bench suite` through the real command line, and what it makes of its results."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from groundhog.bench.suite import building, report, run
from groundhog.bench.suite.building import CASES, SUITES
from groundhog.bench.suite.case import Case, Language

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.kernel, pytest.mark.long]


def suite(*words: str, fails: bool = False) -> str:
    command = [sys.executable, "-m", "groundhog.cli", "bench", "suite", *words]
    done = subprocess.run(command, check=not fails, capture_output=True, text=True, timeout=300)
    return done.stderr if fails else done.stdout


def test_the_suite_has_the_functions_of_the_published_evaluation() -> None:
    count = {suite: sum(case.suite == suite for case in CASES) for suite in SUITES}
    assert count == {"pyperformance": 22, "polybench": 23, "faasprofiler": 13}
    assert len({case.id for case in CASES}) == 58


def test_results_are_kept_and_gone_on_with(tmp_path: Path) -> None:
    """Also the report of them, with its figures."""
    results, folder = tmp_path / "results.jsonl", tmp_path / "docs"
    modes = [
        word
        for mode in ("off", "off again", "request", "classic", "fork", "cold")
        for word in ("--mode", mode)
    ]
    options = ["--quick", *modes, "--output", str(results), "--cache", str(tmp_path / "cache")]
    suite("version", *options)
    before = results.read_text()
    said = suite("version", "durbin", *options, "--report", str(folder))
    after = results.read_text()
    assert after.startswith(before), "what was measured is not measured again"
    head, rows = run.read(results)
    assert head["machine"]["memcpy_seconds_per_page"] > 0
    assert [(row["name"], row["mode"]) for row in rows] == [
        (name, mode) for name in ("version", "durbin") for mode in modes[1::2]
    ]
    for row in rows:
        assert 0 < row["latency"]["p50"] <= row["latency"]["p95"] <= row["latency"]["p99"]
        assert row["throughput"] > 0
        assert ("restore" in row) == (row["mode"] in ("request", "classic"))
        assert (row["memory_bytes"] is None) == (row["mode"] == "cold")
    assert all((folder / path.split("docs/")[1]).stat().st_size for path in said.split() if "docs/" in path)
    page = (folder / "evaluation.md").read_text()
    assert "| version |" in page
    assert "| durbin |" in page
    assert "images/evaluation-latency.svg" in page
    other = suite("version", "--output", str(results), fails=True)
    assert "another machine, version or setting" in other


def test_unknown_functions_are_refused(tmp_path: Path) -> None:
    assert "no function 'tetris'" in suite("tetris", "--output", str(tmp_path / "r.jsonl"), fails=True)


def test_a_wrong_answer_is_no_result(tmp_path: Path) -> None:
    source = tmp_path / "wrong.py"
    source.write_text("def main(params):\n    return {'answer': 41}\n")
    case = Case("pyperformance", "wrong", Language.PYTHON, source, {}, {"answer": 42})
    ready = building.prepare(case, tmp_path)
    with pytest.raises(run.WrongAnswerError, match=r"answered \{'answer': 41\} instead of"):
        run.measure(ready, ["off"], run.QUICK, lambda _: None)


def _row(mode: str, latency: float, throughput: float, **more: Any) -> dict[str, Any]:
    of_latency = {"p50": latency, "p95": latency, "p99": latency}
    common = {"case": "polybench/x", "suite": "polybench", "name": "x", "mode": mode, "memory_bytes": 1000}
    return {**common, "latency": of_latency, "throughput": throughput, **more}


def test_the_table_compares_with_a_plain_process(tmp_path: Path) -> None:
    restored = {"restore": {"p50": 0.0002}, "phases": {}, "dirty_pages": 100, "tracking_faults": 0}
    rows = [
        _row("off", 0.010, 100.0),
        _row("off again", 0.0101, 99.0),
        _row("request", 0.0105, 90.0, **restored),
        _row("cold", 0.1, 10.0),
    ]
    machine = dict.fromkeys(("processor", "kernel", "python", "groundhog"), "here")
    head = {
        "machine": {**machine, "memcpy_seconds_per_page": 1e-6},
        "settings": {"requests": 5, "seconds": 1},
    }
    results = tmp_path / "r.jsonl"
    results.write_text("\n".join(json.dumps(line) for line in (head, *rows)) + "\n")
    (page, *_) = report.write(results, tmp_path)
    text = page.read_text()
    assert "| latency, median | +5.0 % | +1.0 % |  | +1.5 % |" in text
    assert "| throughput, median | -10.0 % | -1.0 % |  | -2.5 % |" in text
    assert "| x | 10.000 | +1.0 |  | +5.0 |  |  | 10.0 |  | -10.0 | 0.200 | 100 | 2.00 | 1.00 |" in text
