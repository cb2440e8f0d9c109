"""The suite's functions in Python and Node: served under isolation, with the packages that they need."""

from __future__ import annotations

import importlib.util
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from groundhog import Function, Pool
from groundhog.bench.suite.case import Language
from groundhog.bench.suite.faasprofiler import CASES, installing
from groundhog.bench.suite.faasprofiler.installing import NODEJS, install
from groundhog.errors import ConfigError
from tests.framework.observers import Retirements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from groundhog.bench.suite.case import Case

BARE = [case for case in CASES if not case.packages and not case.programs]
"""Those that need nothing but the language."""
OTHERS = [case for case in CASES if case not in BARE]


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Shared by the tests of a run, so that npm installs once."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


async def serve(case: Case, source: Path) -> None:
    """Two requests, each to the same process as it was at first."""
    retirements = Retirements()
    async with Pool(Function.from_file(source), observer=retirements) as pool:
        for _ in range(2):
            assert (await pool.invoke(case.payload)).value == case.answer
    assert retirements.messages == []


@pytest.mark.kernel
@pytest.mark.parametrize("case", BARE, ids=lambda case: case.name)
async def test_functions_without_packages_answer_twice(case: Case) -> None:
    await serve(case, case.source)


@pytest.mark.kernel
@pytest.mark.slow
@pytest.mark.may_skip("packages of the extra [bench], and Tesseract, which no other test needs")
@pytest.mark.parametrize("case", OTHERS, ids=lambda case: case.name)
async def test_functions_with_packages_answer_twice(case: Case, folder: Path) -> None:
    for program in case.programs:
        if shutil.which(program) is None:
            pytest.skip(f"{case.id} needs the program {program!r}: apt install tesseract-ocr")
    if case.language is Language.PYTHON:
        for package in case.packages:
            if importlib.util.find_spec(package) is None:
                pytest.skip(f"{case.id} needs the package {package!r}: pip install {package}")
    node = case.language is Language.NODE
    await serve(case, install(folder) / case.source.name if node else case.source)


def test_there_are_13_functions_and_no_file_is_left_out() -> None:
    assert len(CASES) == len({case.name for case in CASES}) == 13
    files = [*NODEJS.glob("*.js"), *(NODEJS.parent / "python").glob("[!_]*.py")]
    assert {case.source for case in CASES} == set(files)


NPM = """#!/bin/sh
echo "$@" >> "$(dirname "$0")/called"
[ -e "$(dirname "$0")/fails" ] && echo "no such package" >&2 && exit 1
/bin/mkdir node_modules
"""


@pytest.fixture
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """A program in its place, which installs nothing; returns how it has been called."""
    program = tmp_path / "bin" / "npm"
    program.parent.mkdir()
    program.write_text(NPM)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    return lambda: (program.parent / "called").read_text().splitlines()


def test_packages_are_installed_once(npm: Callable[[], list[str]], tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    first = install(cache)
    assert install(cache) == first
    assert npm() == ["ci --ignore-scripts --no-audit --no-fund --silent"]
    assert list(cache.iterdir()) == [first]
    assert (first / "node_modules").is_dir()


@pytest.mark.usefixtures("npm")
def test_a_function_that_has_changed_is_copied_anew(tmp_path: Path) -> None:
    copy = install(tmp_path / "cache") / "primes.js"
    copy.write_text("an older one")
    install(tmp_path / "cache")
    assert copy.read_text() == (NODEJS / "primes.js").read_text()


def test_another_lock_file_is_another_folder(
    npm: Callable[[], list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "nodejs"
    shutil.copytree(NODEJS, other)
    (other / "package-lock.json").write_text("{}")
    first = install(tmp_path / "cache")
    monkeypatch.setattr(installing, "NODEJS", other)
    assert install(tmp_path / "cache") != first
    assert len(npm()) == 2


@pytest.mark.usefixtures("npm")
def test_npm_fails(tmp_path: Path) -> None:
    (tmp_path / "bin" / "fails").touch()
    with pytest.raises(ConfigError) as error:
        install(tmp_path / "cache")
    assert str(error.value) == "npm could not install the packages of faasprofiler\nno such package\n"
    assert list((tmp_path / "cache").iterdir()) == []


def test_no_npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError) as error:
        install(tmp_path / "cache")
    assert str(error.value) == "faasprofiler needs 'npm', which is not there: apt install npm"
