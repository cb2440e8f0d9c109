"""What an action's code may be, and what it must not do while it is unpacked."""

from __future__ import annotations

import base64
import os
import stat
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from groundhog.errors import ConfigError
from groundhog.platforms import openwhisk_code
from groundhog.platforms.openwhisk_code import Action, function
from tests.framework.archives import ATTACKS, BROKEN, PACKAGE, tarred, zipped

if TYPE_CHECKING:
    from pathlib import Path

    from groundhog.platforms.openwhisk_code import Runtime


def action(code: bytes | str, main: str | None = None) -> Action:
    text = code if isinstance(code, str) else base64.b64encode(code).decode()
    return Action(text, "hello", main, binary=isinstance(code, bytes), env={"A": "b"})


@pytest.mark.parametrize(
    "pack", [zipped, tarred, lambda files: tarred(files, "w"), lambda files: tarred(files, "w:xz")]
)
def test_a_python_package_in_an_archive(tmp_path: Path, pack: object) -> None:
    assert callable(pack)
    made = function(action(pack(PACKAGE)), "python", tmp_path)
    assert made.kind == "python"
    assert made.path == tmp_path / "__main__.py"
    assert made.entry == "main"
    assert (tmp_path / "package" / "words.py").read_text() == "greeting = 'hi'\n"
    assert dict(made.env) == {"A": "b"}


@pytest.mark.parametrize("runtime", ["python", "nodejs", "command"])
def test_a_function_has_the_name_of_its_action(tmp_path: Path, runtime: Runtime) -> None:
    """Not that of the temporary directory that it lies in: messages name it."""
    made = function(action("def main(args):\n    return args\n"), runtime, tmp_path)
    assert made.name == "hello"


@pytest.mark.parametrize(
    ("given", "name"),
    [(None, "action"), ("", "action"), (5, "5"), ("a\0b", "ab"), ("\ud800❄", "?❄"), ("x" * 500, "x" * 256)],
)
def test_a_name_fits_the_command_line(given: Any, name: str) -> None:
    parsed = openwhisk_code.parse({"code": "x", "name": given})
    assert parsed is not None
    assert parsed.name == name


ENV = {"s": "é", "n": None, "t": True, "f": False, "z": 0, "i": 1.0, "l": [1, {"a": "é\ud800"}], "e": []}
COMPACT = {"s": "é", "t": "true", "i": "1", "l": '[1,{"a":"é\\ud800"}]', "e": "[]"}


@pytest.mark.parametrize(
    ("runtime", "others"),
    [
        ("python", {"n": "null", "f": "false", "z": "0"}),
        ("command", {"n": "null", "f": "false", "z": "0"}),
        ("nodejs", {"n": "", "f": "", "z": "", "GROUNDHOG_OPENWHISK": "1"}),
    ],
)
def test_the_environment(tmp_path: Path, runtime: Runtime, others: dict[str, str]) -> None:
    """As the platform's runtimes export it, whose text each language makes."""
    parsed = openwhisk_code.parse({"code": "def main(args):\n    return args\n", "env": ENV})
    assert parsed is not None
    assert dict(function(parsed, runtime, tmp_path).env) == COMPACT | others


def test_a_node_package_in_an_archive(tmp_path: Path) -> None:
    files = {"package.json": b'{"main":"lib/app.js"}', "lib/app.js": b"exports.main = x => x"}
    made = function(action(zipped(files)), "nodejs", tmp_path)
    assert made.path == tmp_path / "lib" / "app.js"


@pytest.mark.parametrize(
    ("source", "main", "expected"),
    [
        ("function main(x) { return x }", None, "function"),
        ("const niam = async x => x", "niam", "function"),
        ("exports.main = 5", None, "number"),
        ("module.exports = { main: x => x }", None, "function"),
    ],
)
def test_node_source_exports_what_it_defines(
    tmp_path: Path, source: str, main: str | None, expected: str
) -> None:
    made = function(action(source, main), "nodejs", tmp_path)
    script = f"console.log(typeof require({str(made.path)!r}).{main or 'main'})"
    shown = subprocess.run(["/usr/bin/env", "node", "-e", script], check=True, capture_output=True, text=True)
    assert shown.stdout.strip() == expected


def test_an_archive_for_python_with_its_module_as_exec(tmp_path: Path) -> None:
    files = {
        "exec": b"def main(args): return {'of': 'exec'}\n",
        "__main__.py": b"def main(args): return {}\n",
    }
    made = function(action(zipped(files)), "python", tmp_path)
    assert made.path == tmp_path / "__main__.py"
    assert "exec" in made.path.read_text("utf-8")


@pytest.mark.parametrize("code", ["#!/bin/sh\n", b"#!/bin/sh\n", zipped({"exec": b"#!/bin/sh\n"})])
def test_a_command_is_called_exec(tmp_path: Path, code: str | bytes) -> None:
    made = function(action(code), "command", tmp_path)
    assert made.argv == (str(tmp_path / "exec"),)
    assert os.access(tmp_path / "exec", os.X_OK)


def test_programs_in_an_archive_stay_executable(tmp_path: Path) -> None:
    files = {"exec": b"#!/bin/sh\n./helper\n", "helper": b"#!/bin/sh\n"}
    function(action(zipped(files, {"helper": stat.S_IFREG | 0o755})), "command", tmp_path)
    assert os.access(tmp_path / "helper", os.X_OK)


def test_links_within_an_archive(tmp_path: Path) -> None:
    files = {"lib/exec": b"#!/bin/sh\n", "exec": b"lib/exec"}
    function(action(zipped(files, {"exec": stat.S_IFLNK | 0o777})), "command", tmp_path)
    assert (tmp_path / "exec").readlink().as_posix() == "lib/exec"


@pytest.mark.parametrize(
    ("runtime", "code", "named"),
    [
        ("python", zipped({"other.py": b""}), "__main__.py"),
        ("nodejs", zipped({"other.js": b""}), "index.js"),
        ("command", zipped({"run": b""}), "exec"),
        ("python", zipped(PACKAGE)[:200], "unpacked"),
        ("python", tarred(PACKAGE)[:60], "unpacked"),
        ("command", zipped({"../exec": b""}), "outside"),
        ("command", zipped({"/exec": b""}), "outside"),
        ("command", zipped({"exec": b"../../x"}, {"exec": stat.S_IFLNK | 0o777}), "outside"),
        ("command", zipped({"exec": b"/bin/sh"}, {"exec": stat.S_IFLNK | 0o777}), "outside"),
        ("command", tarred({"../exec": b""}), "outside"),
        ("command", tarred({"a": b""}, link=("exec", "../../x")), "outside"),
        ("python", b"def main(:\n", "SyntaxError"),
    ],
)
def test_archives_that_are_refused(tmp_path: Path, runtime: Runtime, code: bytes, named: str) -> None:
    directory = tmp_path / "action"
    directory.mkdir()
    with pytest.raises(ConfigError, match=named):
        function(action(code), runtime, directory)
    assert [path.name for path in tmp_path.iterdir()] == ["action"], "nothing is written outside"


@pytest.mark.parametrize("name", ATTACKS)
def test_attacks_with_links_are_refused_and_leave_nothing(tmp_path: Path, name: str) -> None:
    directory, outside = tmp_path / "action", tmp_path / "outside"
    directory.mkdir()
    outside.mkdir()
    (outside / "victim").write_text("as it was")
    with pytest.raises(ConfigError, match=r"^the action's archive cannot be unpacked: it has "):
        function(action(ATTACKS[name]), "python", directory)
    assert list(directory.iterdir()) == [], "nothing is left"
    assert {path.name: path.read_text() for path in outside.iterdir()} == {"victim": "as it was"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["action", "outside"]


@pytest.mark.parametrize("name", BROKEN)
def test_broken_archives_are_refused_and_leave_nothing(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=r"^the action's archive cannot be unpacked: it is broken"):
        function(action(BROKEN[name]), "python", tmp_path)
    assert list(tmp_path.iterdir()) == [], "nothing is left"


def test_an_action_beyond_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openwhisk_code, "CODE_LIMIT", 10)
    with pytest.raises(ConfigError, match="more than the limit of 10"):
        function(action(b"x" * 11), "python", tmp_path)


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_an_archive_that_swells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pack: object) -> None:
    assert callable(pack)
    monkeypatch.setattr(openwhisk_code, "UNPACKED_LIMIT", 1000)
    with pytest.raises(ConfigError, match="more than the limit of 1000"):
        function(action(pack({"__main__.py": b" " * 1001})), "python", tmp_path)
    assert list(tmp_path.iterdir()) == []
