"""What the user decides is checked before anything is started, and messages name what is wrong."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from groundhog import ConfigError, Function, Isolation, Limits

if TYPE_CHECKING:
    from collections.abc import Callable

    Source = Callable[[str, str], Path]

PYTHON = "def main(params):\n    return params\n"


def refused(*args: Any, call: Callable[..., Any] = Function.from_file, **kwargs: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        call(*args, **kwargs)
    message = str(caught.value)
    assert "\n" not in message
    return message


class TestIsolation:
    @pytest.mark.parametrize("name", ["request", "domain", "off"])
    def test_by_name(self, name: str) -> None:
        assert Isolation.parse(name).value == name == str(Isolation.parse(name))

    def test_a_member_stays(self) -> None:
        assert Isolation.parse(Isolation.DOMAIN) is Isolation.DOMAIN

    def test_unknown(self) -> None:
        assert refused("none", call=Isolation.parse) == (
            "unknown isolation 'none': choose one of request, domain, off"
        )


class TestLimits:
    def test_large_payloads_are_allowed(self) -> None:
        assert Limits().request_bytes == Limits().result_bytes == 64 * 1024 * 1024

    @pytest.mark.parametrize("name", [item.name for item in dataclasses.fields(Limits)])
    @pytest.mark.parametrize("value", [-1, math.nan, math.inf, "5", None, True])
    def test_bad_values_are_named(self, name: str, value: Any) -> None:
        assert name in refused(call=Limits, **{name: value})

    @pytest.mark.parametrize("name", ["timeout_s", "request_bytes", "result_bytes", "restore_timeout_s"])
    def test_zero_is_no_limit_that_anything_could_meet(self, name: str) -> None:
        assert name in refused(call=Limits, **{name: 0})

    def test_no_queue(self) -> None:
        assert Limits(queue_length=0).queue_length == 0


class TestFromFile:
    def test_python(self, source: Source) -> None:
        path = source("handler.py", PYTHON)
        function = Function.from_file(path, warmup=[{"a": 1}], env={"A": "b"})
        assert (function.kind, function.entry, function.name) == ("python", "main", "handler")
        assert function.path == path
        assert function.warmup == ({"a": 1},)
        assert function.env == {"A": "b"}

    @pytest.mark.parametrize("suffix", ["js", "mjs", "cjs"])
    def test_node(self, source: Source, suffix: str) -> None:
        function = Function.from_file(source(f"handler.{suffix}", "module.exports = (p) => p;"))
        assert (function.kind, function.entry) == ("nodejs", None), "only the process can tell"

    def test_node_is_not_there(self, source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
        path = source("handler.js", "")
        monkeypatch.setenv("PATH", "")
        assert "no 'node' in PATH" in refused(path)

    def test_a_file_without_main_may_have_a_handler(self, source: Source) -> None:
        path = source("h.py", "def handler(event, context):\n    return event\n")
        assert Function.from_file(path).entry == "handler"

    def test_main_comes_first(self, source: Source) -> None:
        path = source("h.py", "def handler(event, context):\n    return event\n" + PYTHON)
        assert Function.from_file(path).entry == "main"

    def test_an_entry_that_is_named_is_not_replaced(self, source: Source) -> None:
        path = source("h.py", "def handler(event, context):\n    return event\n")
        assert refused(path, "main") == "h.py defines no 'main' at its top level; it has: handler"

    def test_without_either_both_are_named(self, source: Source) -> None:
        message = refused(source("h.py", "x = 1\n"))
        assert message == "h.py defines no 'main' and no 'handler' at its top level; it has: x"

    def test_missing_file(self, tmp_path: Path) -> None:
        assert refused(tmp_path / "nowhere.py") == f"no such file: {tmp_path / 'nowhere.py'}"

    def test_unknown_extension(self, source: Source) -> None:
        message = refused(source("handler.rb", ""))
        assert message == (
            "handler.rb is none of .py, .js, .mjs, .cjs:"
            " to run another program, give it as a command (after --)"
        )

    def test_a_device_is_no_source(self) -> None:
        assert refused("/dev/null") == "/dev/null is not a regular file"

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("def main(p):\n    retrn p\n", "SyntaxError: invalid syntax (h.py, line 2)"),
            ("def main(p):\nreturn p\n", "IndentationError: expected an indented block"),
            (
                "def main(p):\n    return p\nreturn 1\n",
                "SyntaxError: 'return' outside function (h.py, line 3)",
            ),
            ("x = 1\0\n", "null bytes"),
        ],
    )
    def test_syntax_errors_are_found(self, source: Source, text: str, expected: str) -> None:
        assert expected in refused(source("h.py", text))

    def test_nothing_is_run(self, source: Source, tmp_path: Path) -> None:
        mark = tmp_path / "ran"
        Function.from_file(source("h.py", f"open({str(mark)!r}, 'w')\n{PYTHON}"))
        assert not mark.exists()

    def test_another_interpreter_judges_itself(self, source: Source) -> None:
        path = source("h.py", "print 'old'\n")
        assert Function.from_file(path, interpreter=["python2"]).entry is None

    @pytest.mark.parametrize("entry", ["", "a b", "main()", "1main", "a..b", ".a"])
    def test_impossible_names(self, source: Source, entry: str) -> None:
        message = refused(source("h.js", ""), entry)
        assert message == f"{entry!r} cannot be the name of a function"

    @pytest.mark.parametrize("warmup", [[object()], [{"a": math.nan}], [{1, 2}]])
    def test_warmups_are_json(self, source: Source, warmup: list[Any]) -> None:
        assert refused(source("h.py", PYTHON), warmup=warmup).startswith("warm-up request 1 is not JSON: ")

    def test_one_request_is_not_a_list_of_them(self, source: Source) -> None:
        assert (
            refused(source("h.py", PYTHON), warmup={"a": 1}) == "warmup must be a list of requests, not dict"
        )

    @pytest.mark.parametrize(
        ("env", "named"), [({"A=B": "c"}, "A=B"), ({"": "c"}, "''"), ({"A": 1}, "A"), ({"A": "\0"}, "A")]
    )
    def test_the_environment_is_strings(self, source: Source, env: dict[str, Any], named: str) -> None:
        assert named in refused(source("h.py", PYTHON), env=env)

    def test_working_directory(self, source: Source, tmp_path: Path) -> None:
        message = refused(source("h.py", PYTHON), cwd=tmp_path / "gone")
        assert message == f"working directory {tmp_path / 'gone'} is not a directory"

    def test_it_cannot_be_changed(self, source: Source) -> None:
        function = Function.from_file(source("h.py", PYTHON), env={"A": "b"})
        with pytest.raises(dataclasses.FrozenInstanceError):
            function.entry = "other"  # type: ignore[misc]
        with pytest.raises(TypeError):
            function.env["A"] = "c"  # type: ignore[index]

    @pytest.mark.parametrize("call", [Function.from_file, Function.from_target])
    def test_no_name(self, call: Callable[..., Any]) -> None:
        assert refused("", call=call) == "the target is empty: name the function's file"

    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            ({"entry": 5}, "5 cannot be the name of a function"),
            ({"warmup": 5}, "warmup must be a list of requests, not int"),
            ({"env": 5}, "env must map names to values, not be 5"),
            ({"cwd": 5}, "the working directory must be a path, not 5"),
            ({"interpreter": 5}, "the interpreter must be a list of words, not 5"),
            ({"interpreter": "python2"}, "the interpreter must be a list of words, not 'python2'"),
            ({"interpreter": [5]}, "the interpreter must be a list of words, not [5]"),
        ],
    )
    @pytest.mark.parametrize("suffix", ["py", "js"])
    def test_values_of_other_types(
        self, source: Source, options: dict[str, Any], expected: str, suffix: str
    ) -> None:
        path = source(f"h.{suffix}", "" if suffix == "js" else PYTHON)
        assert refused(path, **options) == expected

    def test_a_number_is_no_file(self) -> None:
        assert refused(5) == "the function's file must be a path, not 5"

    def test_warmups_may_come_one_by_one(self, source: Source) -> None:
        assert Function.from_file(source("h.py", PYTHON), warmup=iter([{}])).warmup == ({},)  # type: ignore[arg-type]


class TestPackages:
    def test_python(self, source: Source) -> None:
        path = source("pack/__main__.py", PYTHON)
        function = Function.from_file(path.parent)
        assert (function.kind, function.path, function.name) == ("python", path, "pack")

    @pytest.mark.parametrize("main", ["lib/entry.js", "lib/entry", "./lib/entry.js"])
    def test_node(self, source: Source, main: str) -> None:
        path = source("pack/lib/entry.js", "")
        source("pack/package.json", f'{{"main": "{main}"}}')
        function = Function.from_file(path.parent.parent)
        assert function.path is not None
        assert function.path.resolve() == path

    def test_node_by_default(self, source: Source) -> None:
        path = source("pack/index.js", "")
        source("pack/package.json", "{}")
        assert Function.from_file(path.parent).path == path

    @pytest.mark.parametrize(
        ("package", "expected"),
        [
            ('{"main": "gone.js"}', "names 'gone.js' as its main file"),
            ("{", "package.json cannot be read"),
            ('{"main": "a.js"' + " " * (1 << 20) + "}", "package.json cannot be read"),
            ("[" * 100_000, "package.json cannot be read"),
        ],
    )
    def test_bad_package(self, source: Source, package: str, expected: str) -> None:
        assert expected in refused(source("pack/package.json", package).parent)

    def test_empty(self, tmp_path: Path) -> None:
        assert refused(tmp_path) == (
            f"{tmp_path} is a directory without __main__.py, package.json or index.js:"
            " name the function's file"
        )


class TestFromCommand:
    def test_found_in_path(self) -> None:
        function = Function.from_command(["cat", "-u"], env={"A": "b"})
        assert function.kind == "command"
        assert Path(function.argv[0]).is_absolute()
        assert function.argv[1:] == ("-u",)
        assert (function.name, function.ack) == ("cat", "auto")

    def test_relative_to_its_directory(self, source: Source) -> None:
        path = source("bin/run", "#!/bin/sh\n")
        path.chmod(0o755)
        assert Function.from_command(["./run"], cwd=path.parent).argv == (str(path),)

    def test_not_executable(self, source: Source) -> None:
        path = source("run", "")
        assert refused([path], call=Function.from_command) == f"{path} is not an executable file"

    @pytest.mark.parametrize(
        ("argv", "expected"),
        [
            ([], "the command is empty: give a program and its arguments"),
            ([""], "the command is empty: give a program and its arguments"),
            (["no-such-program-here"], "no such program in PATH: no-such-program-here"),
            (["./no-such-program"], "no such program: ./no-such-program"),
            (["cat", "a\0b"], "the command 'cat' has a NUL character in an argument"),
        ],
    )
    def test_refusals(self, argv: list[str], expected: str) -> None:
        assert refused(argv, call=Function.from_command) == expected

    @pytest.mark.parametrize("argv", ["ls", 5, [5], [b"ls"]])
    def test_what_is_no_list_of_words(self, argv: Any) -> None:
        expected = f"the command must be a list of words, not {argv!r}"
        assert refused(argv, call=Function.from_command) == expected

    def test_without_any_sign_of_life_a_warmup_is_needed(self) -> None:
        assert "needs a warm-up request" in refused(["cat"], call=Function.from_command, ack="none")
        assert Function.from_command(["cat"], ack="none", warmup=[{}]).ack == "none"

    def test_unknown_ack(self) -> None:
        assert refused(["cat"], call=Function.from_command, ack="maybe").startswith("unknown ack 'maybe'")


class TestFromTarget:
    def test_file(self, source: Source) -> None:
        path = source("h.py", PYTHON + "def other(p):\n    return p\n")
        assert Function.from_target(str(path)).entry == "main"
        assert Function.from_target(f"{path}:other").entry == "other"

    def test_a_colon_in_the_name_of_the_file(self, source: Source) -> None:
        path = source("odd:name.py", PYTHON)
        assert Function.from_target(str(path)).path == path

    def test_words_are_a_command_always(self) -> None:
        assert Function.from_target(["cat"]).kind == "command"

    def test_missing(self) -> None:
        assert refused("nowhere.py:main", call=Function.from_target) == "no such file: nowhere.py"
        assert refused("nowhere.py", call=Function.from_target) == "no such file: nowhere.py"

    def test_warmup_and_environment(self, source: Source) -> None:
        function = Function.from_target(str(source("h.py", PYTHON)), warmup=[1], env={"A": "b"})
        assert (function.warmup, dict(function.env)) == ((1,), {"A": "b"})
