"""Values of options that cannot be used are refused before anything is started."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from groundhog.cli import main

if TYPE_CHECKING:
    from pathlib import Path

    from groundhog.testing import FakeEngine

pytestmark = pytest.mark.usefixtures("engine")

NOT_ARGUMENTS = pytest.mark.parametrize(
    ("text", "why"),
    [
        ("5", "is neither an object nor an array: arguments have names"),
        ('"text"', "is neither an object nor an array: arguments have names"),
        ("null", "is neither an object nor an array: arguments have names"),
        ('{"a":NaN}', "is not JSON: NaN is none of its values"),
        ("[-Infinity]", "is not JSON: -Infinity is none of its values"),
        ("{", "is not JSON: Expecting property name"),
        ("[" * 100_000, "is nested too deeply"),
    ],
)


@NOT_ARGUMENTS
@pytest.mark.parametrize("words", [["invoke", "--payload"], ["bench", "--payload"], ["serve", "--warmup"]])
def test_what_are_no_arguments(
    words: list[str],
    text: str,
    why: str,
    handler: str,
    capsys: pytest.CaptureFixture[str],
    engine: FakeEngine,
) -> None:
    command, option = words
    assert main([command, handler, option, text]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert f"Invalid value for '{option}': {text!r} {why}" in captured.err
    assert engine.processes == []


@NOT_ARGUMENTS
def test_what_are_no_arguments_in_a_file(
    text: str, why: str, handler: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], engine: FakeEngine
) -> None:
    requests = tmp_path / "warm.jsonl"
    requests.write_text(f'{{"a":1}}\n{text}\n')
    assert main(["invoke", handler, "--warmup-file", str(requests)]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert f"{requests}, line 2 {why}" in captured.err
    assert engine.processes == []
