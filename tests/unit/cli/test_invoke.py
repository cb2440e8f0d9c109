"""``groundhog invoke`` shows each answer and each restore."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from groundhog.cli import main

if TYPE_CHECKING:
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
    assert main(["invoke", handler, "--payload", '{"divisor":0}', "--json"]) == 0
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
