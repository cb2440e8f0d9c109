"""What the source tells about its names: an entry is refused only when it certainly is not there."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from groundhog.errors import ConfigError
from groundhog.inspection import python_entry

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Source = Callable[[str, str], Path]

BOUNDED = """
import pathlib, resource, sys
from groundhog.inspection import python_entry
for kind, most in ((resource.RLIMIT_AS, 512 << 20), (resource.RLIMIT_CPU, 10)):
    resource.setrlimit(kind, (most, most))
print(python_entry(pathlib.Path(sys.argv[1]), "main", ()))
"""


def nested(levels: int) -> str:
    """What is behind each ``finally`` is compiled six times: for three returns, and three other ways."""
    lines = ["def main(p):"]
    for depth in range(levels):
        way_out = [f"{' ' * (depth + 2)}if p == {number}: return p" for number in range(3)]
        lines += [f"{' ' * (depth + 1)}try:", *way_out, f"{' ' * (depth + 1)}finally:"]
    return "\n".join([*lines, f"{' ' * (levels + 1)}p = 1"])


@pytest.mark.parametrize(
    "text",
    [
        "def main(p): ...",
        "async def main(p): ...",
        "class main: ...",
        "main = lambda p: p",
        "main: object = print",
        "a, (b, *main) = 1, (2, 3)",
        "import main",
        "import main.inner",
        "import other as main",
        "from other import main",
        "from other import thing as main",
        "if True:\n    def main(p): ...",
        "try:\n    from fast import main\nexcept ImportError:\n    from slow import main",
        "for main in (print,): ...",
        "with open('x') as main: ...",
        "(main := print)",
        "match 1:\n    case main: ...",
        "def install():\n    global main\n    main = print\ninstall()",
    ],
)
def test_bound_at_the_top_level(source: Source, text: str) -> None:
    assert python_entry(source("h.py", text), "main", ()) == "main"


@pytest.mark.parametrize(
    "text",
    [
        "from other import *",
        "globals()['main'] = print",
        "exec('def main(p): ...')",
        "import sys\nsetattr(sys.modules[__name__], 'main', print)",
        "def __getattr__(name): ...",
    ],
)
def test_what_the_source_cannot_tell_is_left_to_the_process(source: Source, text: str) -> None:
    path = source("h.py", text + "\n")
    assert python_entry(path, "main", ()) == "main"
    assert python_entry(path, None, ("main", "handler")) is None


def test_a_source_that_is_too_long_to_look_at_is_left_to_the_process(source: Source) -> None:
    """Its tree would take gigabytes."""
    start = "def handler(p): ...\n#"
    path = source("h.py", start + "x" * (64 * 1024 - len(start)))
    assert python_entry(path, None, ("main", "handler")) == "handler"
    path = source("h.py", start + "x" * (64 * 1024 - len(start) + 1))
    assert python_entry(path, None, ("main", "handler")) is None


@pytest.mark.parametrize(
    "text",
    [
        nested(15),
        f"def main(p): return p({','.join(f'a{number}=1' for number in range(100_000))})",
        f"def main(p): return f'{'{p}' * 300_000}'",
    ],
    ids=["finally", "arguments", "f-string"],
)
def test_a_short_source_that_takes_no_end_to_compile(source: Source, text: str) -> None:
    """The supervisor would grow by gigabytes, or nobody else run for minutes, signals included."""
    words = [sys.executable, "-c", BOUNDED, str(source("h.py", text))]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("main\n", 0), done.stderr[-500:]


def test_names_are_checked_where_nothing_is_compiled(source: Source) -> None:
    text = "def main(p):\n    try:\n        p = 1\n    finally:\n        global p\n"
    with pytest.raises(ConfigError, match=r"SyntaxError: .*'p' is .* global"):
        python_entry(source("h.py", text), "main", ())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "def other(p):\n    main = 1",
        "class A:\n    def main(self): ...",
        "x = lambda main: main",
        "main",
        "del main",
    ],
)
def test_certainly_not_bound(source: Source, text: str) -> None:
    with pytest.raises(ConfigError, match=r"h\.py defines no 'main' at its top level"):
        python_entry(source("h.py", text), "main", ())


def test_of_a_dotted_entry_the_first_part_is_looked_for(source: Source) -> None:
    path = source("h.py", "class Api:\n    ...")
    assert python_entry(path, "Api.call", ()) == "Api.call"


def test_long_lists_of_names_are_cut(source: Source) -> None:
    path = source("h.py", "\n".join(f"name{number} = 1" for number in range(20)))
    with pytest.raises(ConfigError, match=r"it has: name0, .*, \.\.\.$"):
        python_entry(path, "main", ())


def test_warnings_of_the_compiler_are_the_functions_own(source: Source) -> None:
    assert python_entry(source("h.py", "main = 1 is 1"), "main", ()) == "main"


@pytest.mark.parametrize(
    "text",
    [
        "x = 5\nif x == 0: ...\n" + "".join(f"elif x == {number}: ...\n" for number in range(1500)),
        "x = " + " + ".join(["1"] * 1500) + "\n",
    ],
    ids=["elif", "sum"],
)
def test_a_tree_that_is_deeper_than_the_stack(source: Source, text: str) -> None:
    """Python compiles these."""
    assert python_entry(source("h.py", text + "def main(p): ..."), "main", ()) == "main"


def test_an_unreadable_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        python_entry(tmp_path / "gone.py", "main", ())


def test_source_that_exhausts_the_parser(source: Source) -> None:
    path = source("h.py", "x = " + "(" * 5000 + ")" * 5000)
    with pytest.raises(ConfigError, match=r"h\.py"):
        python_entry(path, "main", ())
