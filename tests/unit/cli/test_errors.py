"""Misuse and errors: one line on stderr, the right exit code, nothing started."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from groundhog import errors
from groundhog.cli import main

if TYPE_CHECKING:
    from pathlib import Path

    from groundhog.testing import FakeEngine

pytestmark = pytest.mark.usefixtures("engine")


def complaint(capsys: pytest.CaptureFixture[str]) -> str:
    """The one line on stderr."""
    captured = capsys.readouterr()
    assert captured.out == ""
    lines = captured.err.splitlines()
    assert len(lines) == 1, captured.err
    assert lines[0].startswith("groundhog: ")
    return lines[0]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["nonsense"], "No such command 'nonsense'"),
        (["--nonsense"], "--nonsense"),
        (["serve"], "no target"),
        (["serve", "--"], "no command after --"),
        (["serve", "HANDLER", "--", "true"], "two targets"),
        (["serve", "HANDLER", "other.py"], "other.py"),
        (["serve", "HANDLER", "--nonsense"], "--nonsense"),
        (["serve", "HANDLER", "--port", "70000"], "70000"),
        (["serve", "HANDLER", "--port", "http"], "http"),
        (["serve", "HANDLER", "--workers", "0"], "0"),
        (["serve", "HANDLER", "--isolation", "some"], "some"),
        (["serve", "HANDLER", "--queue", "-1"], "-1"),
        (["serve", "HANDLER", "--timeout", "0"], "0"),
        (["serve", "HANDLER", "--start-timeout", "0"], "0"),
        (["openwhisk", "--start-timeout", "soon"], "soon"),
        (["serve", "HANDLER", "--warmup", "{"], "not JSON"),
        (["serve", "HANDLER", "--warmup-file", "nowhere.jsonl"], "nowhere.jsonl"),
        (["serve", "HANDLER", "--strategy", "magic"], "magic"),
        (["invoke", "HANDLER", "--payload", "{"], "not JSON"),
        (["invoke", "HANDLER", "-n", "0"], "0"),
        (["openwhisk", "--runtime", "cobol"], "cobol"),
    ],
)
def test_misuse(
    arguments: list[str], named: str, handler: str, capsys: pytest.CaptureFixture[str], engine: FakeEngine
) -> None:
    assert main([handler if word == "HANDLER" else word for word in arguments]) == 2
    line = complaint(capsys)
    assert named in line
    assert "--help" in line
    assert engine.processes == []


@pytest.mark.parametrize("command", ["serve", "invoke"])
@pytest.mark.parametrize(
    ("target", "named"),
    [
        (["nowhere.py"], "no such file: nowhere.py"),
        (["plain.py:nothing"], "'nothing'"),
        (["broken.py"], "SyntaxError"),
        (["notes.txt"], "notes.txt"),
        (["--", "no-such-program-anywhere"], "no-such-program-anywhere"),
        (["HANDLER", "--warmup-file", "bad.jsonl"], "bad.jsonl, line 2"),
    ],
)
def test_what_cannot_be_used(
    command: str,
    target: list[str],
    named: str,
    handler: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    engine: FakeEngine,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken.py").write_text("def main(:\n")
    (tmp_path / "plain.py").write_text("def main(params): return {}\n")
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / "bad.jsonl").write_text("{}\n{\n")
    assert main([command, *(word.replace("HANDLER", handler) for word in target)]) == 1
    assert named in complaint(capsys)
    assert engine.processes == []


@pytest.mark.parametrize("command", [["serve", "HANDLER"], ["openwhisk"]])
def test_a_port_in_use(
    command: list[str], handler: str, capsys: pytest.CaptureFixture[str], engine: FakeEngine
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        words = [handler if word == "HANDLER" else word for word in command]
        assert main([*words, "--host", "127.0.0.1", "--port", port]) == 1
    line = complaint(capsys)
    assert port in line
    assert "--port" in line
    assert engine.processes == []


def test_a_log_file_that_cannot_be_opened(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "nowhere" / "events"
    assert main(["openwhisk", "--log-file", str(path), "--port", "0"]) == 1
    assert complaint(capsys) == (
        f"groundhog: the log file {path} cannot be opened: No such file or directory;"
        " choose another with --log-file"
    )


def test_a_host_that_is_not_ours(handler: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", handler, "--host", "192.0.2.1"]) == 1
    assert "192.0.2.1" in complaint(capsys)


@pytest.mark.parametrize("command", ["serve", "invoke"])
def test_a_function_that_does_not_load(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], engine: FakeEngine
) -> None:
    path = tmp_path / "handler.py"
    path.write_text("import nowhere_to_be_found\ndef main(params): return {}\n")
    assert main([command, str(path), *(["--port", "0"] if command == "serve" else [])]) == 1
    assert "nowhere_to_be_found" in complaint(capsys)
    assert engine.processes


@pytest.mark.parametrize("command", ["serve", "invoke"])
def test_what_a_function_says_does_not_reach_the_terminal_as_it_is(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "handler.py"
    path.write_text(
        "raise ValueError('\\x1b]0;title\\x07 \\x9b2J \u00e4 \\u202e')\ndef main(params): return {}\n"
    )
    assert main([command, str(path), *(["--port", "0"] if command == "serve" else [])]) == 1
    assert r"ValueError: \x1b]0;title\x07 \x9b2J ä \u202e" in complaint(capsys)


def test_a_warm_up_that_fails(handler: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", handler, "--port", "0", "--warmup", "{}", "--warmup", '{"divisor":0}']) == 1
    assert complaint(capsys) == "groundhog: warm-up request 2 failed: division by zero"


def test_a_start_that_takes_too_long(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "endless.py"
    path.write_text("import threading\nthreading.Event().wait()\ndef main(params): return {}\n")
    assert main(["serve", str(path), "--port", "0", "--start-timeout", "0.3"]) == 1
    line = complaint(capsys)
    assert line.startswith("groundhog: endless did not say that it has loaded within 0.3 s")
    assert "--start-timeout" in line


def test_an_engine_that_refuses(handler: str, capsys: pytest.CaptureFixture[str], engine: FakeEngine) -> None:
    engine.fail("spawn-refused")
    assert main(["invoke", handler]) == 1
    assert "could not be started" in complaint(capsys)


def test_a_message_of_many_lines_is_one(
    handler: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise errors.EngineError("first\n  second")

    monkeypatch.setattr("groundhog.cli.options.Target.function", fail)
    assert main(["invoke", handler]) == 1
    assert complaint(capsys) == "groundhog: first second"


@pytest.mark.parametrize(
    "words", [["--help"], ["serve", "--help"], ["invoke", "-h"], ["openwhisk", "--help"]]
)
def test_help(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 0
    assert "Usage: groundhog" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("groundhog, version ")
