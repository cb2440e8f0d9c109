"""Values of options that cannot be used are refused before anything is started."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click
import pytest

from groundhog.cli import main, options

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


def test_a_line_of_requests_ends_with_a_newline_only(
    handler: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    requests = tmp_path / "warm.jsonl"
    requests.write_bytes('{"a":"one\u2028line\x85"}\r\n\n{"b":1}'.encode())
    assert main(["invoke", handler, "--warmup-file", str(requests), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["value"]["calls"] > 2


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("nan", "nan is not a positive number of seconds"),
        ("inf", "inf is not a positive number of seconds"),
        ("0", "0 is not a positive number of seconds"),
        ("-1", "-1 is not a positive number of seconds"),
        ("soon", "'soon' is not a number"),
    ],
)
@pytest.mark.parametrize("command", ["serve", "invoke", "bench"])
def test_times(
    command: str, value: str, why: str, handler: str, capsys: pytest.CaptureFixture[str], engine: FakeEngine
) -> None:
    assert main([command, handler, "--timeout", value]) == 2
    assert f"Invalid value for '--timeout': {why}" in capsys.readouterr().err
    assert engine.processes == []


@pytest.mark.parametrize(
    ("option", "span"), [("serve --drain-delay", "0 to 86400"), ("top --interval", "0.1 to 86400")]
)
@pytest.mark.parametrize("value", ["nan", "inf", "1e300", "-1"])
def test_times_that_somebody_waits(
    option: str, span: str, value: str, capsys: pytest.CaptureFixture[str], engine: FakeEngine
) -> None:
    assert main([*option.split(), value]) == 2
    assert f"{value} is not a number of seconds from {span}" in capsys.readouterr().err
    assert engine.processes == []


@pytest.mark.parametrize(
    ("value", "why"), [("0", "0 is not in the range x>=1"), ("1.5", "'1.5' is not a valid integer")]
)
@pytest.mark.parametrize("command", ["serve", "invoke"])
def test_sizes(
    command: str, value: str, why: str, handler: str, capsys: pytest.CaptureFixture[str], engine: FakeEngine
) -> None:
    assert main([command, handler, "--tmp-size", value]) == 2
    assert f"Invalid value for '--tmp-size': {why}" in capsys.readouterr().err
    assert engine.processes == []


@pytest.mark.parametrize("name", ["X-Tenant", "tenant", "x_tenant", "X!#$%&'*+.^`|~-1"])
def test_names_of_headers(name: str) -> None:
    assert options.HeaderName().convert(name, None, None) == name


@pytest.mark.parametrize("name", ["", "bad name:", "bad:", "b\u00e4d", "a\nb", "a\n"])
def test_what_is_no_name_of_a_header(name: str) -> None:
    with pytest.raises(click.BadParameter) as caught:
        options.HeaderName().convert(name, None, None)
    assert caught.value.message == f"{name!r} cannot be the name of a header"


def test_protocols() -> None:
    for name in ("actionloop", "runtime-api", "http"):
        assert options.Protocol().convert(name, None, None) == name
    with pytest.raises(click.BadParameter, match="'morse' is not"):
        options.Protocol().convert("morse", None, None)


def test_an_empty_target(capsys: pytest.CaptureFixture[str], engine: FakeEngine) -> None:
    assert main(["invoke", ""]) == 1
    assert capsys.readouterr().err == "groundhog: the target is empty: name the function's file\n"
    assert engine.processes == []
