"""What a function becomes: a command line, an environment, a directory."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from groundhog import Function
from groundhog.runners import command_for
from groundhog.runners.python import malloc_tunables

if TYPE_CHECKING:
    from collections.abc import Callable

    Source = Callable[[str, str], Path]


def test_python(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INHERITED", "yes")
    path = source("h.py", "def main(p): ...\n")
    command = command_for(Function.from_file(path, env={"OWN": "1"}))
    assert command.argv[0] == sys.executable
    assert command.argv[2:] == (str(path), "main", "h")
    assert Path(command.argv[1]).is_file()
    assert command.cwd == str(path.parent)
    assert command.ack == "require"
    assert (command.env["OWN"], command.env["INHERITED"]) == ("1", "yes")
    assert command.env["OW_WAIT_FOR_ACK"] == "1"
    assert "glibc.malloc.trim_threshold=" in command.env["GLIBC_TUNABLES"]


def test_an_environment_of_its_own(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INHERITED", "yes")
    path = source("h.py", "def main(p): ...\n")
    command = command_for(Function.from_file(path, env={"OWN": "1"}, inherit_env=False))
    assert set(command.env) == {"OWN", "OW_WAIT_FOR_ACK", "GLIBC_TUNABLES"}


def test_the_functions_variables_win(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A", "inherited")
    path = source("h.py", "def main(p): ...\n")
    assert command_for(Function.from_file(path, env={"A": "own"})).env["A"] == "own"


def test_another_interpreter(source: Source, tmp_path: Path) -> None:
    path = source("h.py", "")
    command = command_for(Function.from_file(path, interpreter=["pypy3", "-O"], cwd=tmp_path))
    assert command.argv[:2] == ("pypy3", "-O")
    assert command.cwd == str(tmp_path)


def test_node(source: Source) -> None:
    path = source("h.js", "")
    command = command_for(Function.from_file(path))
    assert Path(command.argv[0]).name == "node"
    assert "--v8-pool-size=1" in command.argv
    assert command.argv[-3:] == (str(path), "main,handler", "h")
    assert Path(command.argv[-4]).is_file()


@pytest.mark.parametrize(("ack", "told"), [("auto", True), ("require", True), ("none", False)])
def test_a_command_is_told_to_acknowledge_if_it_can(ack: str, *, told: bool) -> None:
    function = Function.from_command(["cat", "-u"], ack=ack, warmup=[{}])  # type: ignore[arg-type]
    command = command_for(function)
    assert command.argv == function.argv
    assert command.ack == ack
    assert ("OW_WAIT_FOR_ACK" in command.env) is told


def test_configured_allocator_settings_win() -> None:
    ours = malloc_tunables()
    assert ours.count("glibc.malloc.") == 3
    mixed = malloc_tunables("glibc.malloc.trim_threshold=1:glibc.cpu.hwcaps=x")
    assert mixed.count("trim_threshold") == 1
    assert "glibc.malloc.trim_threshold=1" in mixed
    assert "glibc.malloc.mmap_threshold=" in mixed
    assert mixed.endswith("glibc.cpu.hwcaps=x")


def test_every_runner_is_shipped() -> None:
    bootstrap = Path(sys.modules["groundhog.runners"].__path__[0]) / "bootstrap"
    assert {path.name for path in bootstrap.glob("launcher.*")} >= {"launcher.py", "launcher.js"}
