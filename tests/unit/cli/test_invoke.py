"""``groundhog invoke`` shows each answer and each restore."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from groundhog.cli import main

if TYPE_CHECKING:
    from pathlib import Path

    from groundhog.testing import FakeEngine


def test_json_lines(handler: str, engine: FakeEngine, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["invoke", handler, "--payload", '{"name":"Ada ❄"}', "-n", "3", "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["n"] for line in lines] == [1, 2, 3]
    # The fake engine reverts nothing, so the function shows that it was called again and again.
    assert [line["value"] for line in lines] == [{"calls": call, "name": "Ada ❄"} for call in (1, 2, 3)]
    for line in lines:
        assert line["stdout"] == "called with ['name']\n"
        assert line["stderr"] == ""
        assert line["timings"]["run_s"] > 0
        assert line["restore"]["strategy"] == "fake"
        assert line["restore"]["pages_dirty"] == 8
        assert line["retired"] is None
    assert len(engine.processes) == 1


def test_table(handler: str, engine: FakeEngine, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["invoke", f"{handler}:main", "--payload", '{"name":"Ada"}', "-n", "2"]) == 0
    captured = capsys.readouterr()
    assert '{"calls": 1, "name": "Ada"}' in captured.out
    assert "dirty" in captured.out
    assert captured.err == "called with ['name']\n" * 2
    assert len(engine.processes) == 1


@pytest.mark.parametrize("options", [[], ["--keep-connections"]])
def test_connections_are_kept_on_demand(handler: str, engine: FakeEngine, options: list[str]) -> None:
    assert main(["invoke", handler, *options]) == 0
    assert [process.keeps_connections for process in engine.processes] == [bool(options)]


def test_kept_connections_cannot_be_shut(
    handler: str, engine: FakeEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["invoke", handler, "--keep-connections", "--connections", "shut"]) == 1
    assert (
        "connections cannot be kept with connections='shut': choose one of the two" in capsys.readouterr().err
    )
    assert engine.processes == []


def test_without_isolation_nothing_is_restored(
    handler: str, engine: FakeEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["invoke", handler, "-n", "2", "--json", "--isolation", "off"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["restore"] for line in lines] == [None, None]
    assert engine.restores == 0


def test_a_retired_process_says_why(
    handler: str, engine: FakeEngine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["invoke", handler]) == 0
    before_requests = engine.restores - 1
    capsys.readouterr()
    monkeypatch.setattr(engine, "takes", RefusesRestore(before_requests + 1).takes)

    assert main(["invoke", handler, "-n", "2", "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[0]["restore"] is None
    assert lines[0]["retired"].startswith("thread-ended: ")
    assert lines[1]["restore"] is not None
    assert lines[1]["value"]["calls"] == lines[0]["value"]["calls"], "by a fresh process"


class RefusesRestore:
    """Lets one restore fail: the one of that number."""

    def __init__(self, number: int) -> None:
        self.left = number

    def takes(self, fault: str) -> bool:
        """As `FakeEngine.takes`, which is asked for this fault once a restore."""
        if fault == "restore-refused":
            self.left -= 1
        return fault == "restore-refused" and self.left == 0


@pytest.mark.usefixtures("engine")
def test_warm_up_requests_come_first(
    handler: str, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    warm = tmp_path_factory.mktemp("warm") / "warm.jsonl"
    warm.write_text('{"w":2}\n\n{"w":3}\n')
    assert main(["invoke", handler, "--warmup", '{"w":1}', "--warmup-file", str(warm), "--json"]) == 0
    line = json.loads(capsys.readouterr().out)
    assert line["value"]["calls"] > 3


@pytest.mark.usefixtures("engine")
def test_an_exception_of_the_handler_is_its_answer(handler: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["invoke", handler, "--payload", '{"divisor":0}', "--json"]) == 1
    line = json.loads(capsys.readouterr().out)
    assert line["value"] == {"error": "division by zero"}
    assert "ZeroDivisionError" in line["stderr"]


@pytest.mark.usefixtures("engine")
def test_a_function_that_takes_too_long(
    tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path_factory.mktemp("slow") / "slow.py"
    path.write_text("import threading\ndef main(params):\n    threading.Event().wait()\n")
    assert main(["invoke", str(path), "--timeout", "0.2"]) == 1
    captured = capsys.readouterr()
    assert "0.2" in captured.err.splitlines()[-1]


DIES = """
import os, sys

calls = 0

def main(params):
    global calls
    calls += 1
    print("call", calls, "of this process", flush=True)
    if calls == 2:
        sys.exit(3)
    return [] if "array" in params else {"calls": calls}
"""


@pytest.fixture
def dies(tmp_path: Path) -> str:
    """A function whose process ends at its second call; warmed, that is the first."""
    path = tmp_path / "dies.py"
    path.write_text(DIES)
    return str(path)


def test_calls_go_on_after_one_that_failed(
    dies: str, engine: FakeEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["invoke", dies, "-n", "3", "--isolation", "off"]) == 1
    captured = capsys.readouterr()
    answers, table = captured.out.splitlines()[:2], captured.out.splitlines()[2:]
    assert answers == ['{"calls": 1}'] * 2
    assert [line.split()[:3] for line in table if line.strip()[:1].isdigit()][1] == ["2", "failed", "retired"]
    assert "call 2 of this process\n" in captured.err
    assert "groundhog: call 2 failed: command exited: function process" in captured.err
    assert len(engine.processes) == 2


@pytest.mark.usefixtures("engine")
def test_a_call_that_failed_is_a_line_of_json(dies: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["invoke", dies, "-n", "3", "--json"]) == 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["n"] for line in lines] == [1, 2, 3]
    for line in lines:
        failed = line["error"] is not None
        assert line["stdout"].startswith("call ")
        assert (line["value"] is None) == (line["timings"] is None) == failed
        assert (line["restore"] is None) == failed == (line["retired"] is not None)
    assert next(line["error"] for line in lines if line["error"]).startswith("command exited: ")


@pytest.mark.usefixtures("engine")
def test_a_function_that_does_not_start_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "once.py"
    mark = tmp_path / "mark"
    path.write_text(
        f"import os, pathlib\npathlib.Path({str(mark)!r}).touch(exist_ok=False)\n"
        "def main(params):\n    os._exit(1)\n"
    )
    assert main(["invoke", str(path), "-n", "3"]) == 1
    captured = capsys.readouterr()
    assert captured.out.count("failed") == 3
    assert "call 3 failed: " in captured.err
    assert "FileExistsError" in captured.err


@pytest.mark.usefixtures("engine")
def test_an_answer_that_is_no_object_failed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "five.py"
    path.write_text("def main(params):\n    print('five')\n    return 5\n")
    assert main(["invoke", str(path), "-n", "2", "--json"]) == 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["error"] for line in lines] == ["The action did not return a dictionary or array."] * 2
    assert all(line["restore"] and line["stdout"] == "five\n" for line in lines)
