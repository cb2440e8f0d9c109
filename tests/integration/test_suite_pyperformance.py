"""The suite's functions after Python's own benchmark programs: served under isolation, and without them."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from groundhog import Function, InitError, Pool
from groundhog.bench.suite import pyperformance
from groundhog.bench.suite.pyperformance import CASES, loading
from tests.framework.observers import Retirements

if TYPE_CHECKING:
    from pathlib import Path

BY_NAME = {case.name: case for case in CASES}
CHEAP = ("deltablue", "json_dumps", "pyaes", "richards", "telco", "version")
"""They are tried in the ordinary run."""
INSTALL = "pip install 'groundhog-faas[bench]'"


async def serve(name: str) -> None:
    """Two requests, each to the same process as it was at first."""
    case = BY_NAME[name]
    retirements = Retirements()
    async with Pool(Function.from_file(case.source), observer=retirements) as pool:
        for _ in range(2):
            assert (await pool.invoke(case.payload)).value == case.answer
    assert retirements.messages == []


@pytest.mark.kernel
@pytest.mark.parametrize("name", CHEAP)
async def test_cheap_functions_answer_twice(name: str) -> None:
    await serve(name)


@pytest.mark.kernel
@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in BY_NAME if name not in CHEAP])
async def test_functions_answer_twice(name: str) -> None:
    await serve(name)


def test_there_are_22_functions_and_no_file_is_left_out() -> None:
    assert len(CASES) == len(BY_NAME) == 22
    assert {case.source for case in CASES} == set(CASES[0].source.parent.glob("run_*.py"))


def test_no_function_has_the_name_of_a_module() -> None:
    # The folder of a function is searched for what it imports.
    for case in CASES:
        assert importlib.util.find_spec(case.source.stem) is None


ALONE = """
import importlib.util, json, random, sys
from pathlib import Path
path = Path(sys.argv[1])
spec = importlib.util.spec_from_file_location(path.stem, path)
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
for _ in range(3):
    random.random()
    print(json.dumps(module.main({})))
"""


@pytest.mark.parametrize(
    "name", [name if name in CHEAP else pytest.param(name, marks=pytest.mark.slow) for name in BY_NAME]
)
def test_answers_depend_neither_on_the_process_nor_on_earlier_requests(name: str) -> None:
    case = BY_NAME[name]
    for seed in ("1", "2"):
        result = subprocess.run(
            [sys.executable, "-c", ALONE, str(case.source)],
            env={"PYTHONPATH": ":".join(sys.path), "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert [json.loads(line) for line in result.stdout.splitlines()] == [case.answer] * 3


def test_a_function_loads_nothing_that_describes_it() -> None:
    code = f"import sys; from {loading.__name__} import benchmark; print(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": ":".join(sys.path)},
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    ours = {name for name in result.stdout.split() if name.startswith("groundhog")}
    package = pyperformance.__name__
    assert ours == {"groundhog", "groundhog.bench", "groundhog.bench.suite", package, loading.__name__}


def test_pyperformance_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ModuleNotFoundError) as error:
        loading.benchmark("nbody")
    assert str(error.value) == f"the package 'pyperformance' is not installed: {INSTALL}"


def test_pyperformance_has_no_such_benchmark() -> None:
    with pytest.raises(ModuleNotFoundError) as error:
        loading.folder("nobody")
    assert str(error.value) == f"the installed pyperformance has no benchmark 'nobody': {INSTALL}"


def test_a_benchmark_lacks_a_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bm_crypto_pyaes", None)  # it is put back afterwards
    monkeypatch.setitem(sys.modules, "pyaes", None)
    with pytest.raises(ModuleNotFoundError) as error:
        loading.benchmark("crypto_pyaes")
    assert str(error.value) == f"the benchmark 'crypto_pyaes' needs the package 'pyaes': {INSTALL}"


@pytest.mark.kernel
async def test_a_pool_says_what_to_install(tmp_path: Path) -> None:
    source = tmp_path / "lacking.py"
    hidden = "import importlib.util\nimportlib.util.find_spec = lambda _: None\n"
    source.write_text(hidden + BY_NAME["deltablue"].source.read_text().replace("from __future__", "# "))
    with pytest.raises(InitError) as error:
        async with Pool(Function.from_file(source)):
            pass
    assert f"the package 'pyperformance' is not installed: {INSTALL}" in str(error.value)


def test_the_package_has_no_other_names() -> None:
    with pytest.raises(AttributeError) as error:
        pyperformance.NOTHING  # noqa: B018 - it is the access that fails
    assert str(error.value) == f"module {pyperformance.__name__!r} has no attribute 'NOTHING'"
