"""The suite's kernels in C: compiled, served under isolation, and compared with numpy and WebAssembly."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from groundhog import Function, NullObserver, Pool
from groundhog.bench.suite.polybench import CASES
from groundhog.bench.suite.polybench.compiling import build, build_wasm
from groundhog.errors import ConfigError
from tests.framework.polybench import BENT, REFERENCES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from groundhog import RestoreReport
    from groundhog.bench.suite.case import Case

BY_NAME = {case.name: case for case in CASES}
CHEAP = ("atax", "jacobi-1d")
WASI_PACKAGES = "clang lld wasi-libc libclang-rt-14-dev-wasm32"
TOLERANCE = 1e-8
"""Relative. Numpy adds in another order, and ``durbin`` multiplies rounding errors by millions."""


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Shared by the tests of a run, so that each kernel is compiled once."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def checksum(program: Path, *, forks: bool = False) -> str:
    """What a program answers to two requests, which has to be the same, without Groundhog."""
    command = f'"$0" {"--fork" if forks else ""} 3>&1'
    result = subprocess.run(
        ["/bin/sh", "-c", command, str(program)],
        input='{"value":{}}\n{"value":{}}\n',
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    ready, first, second = result.stdout.splitlines()
    assert json.loads(ready) == {"ok": True}
    assert first == second
    answer: dict[str, str] = json.loads(first)
    return answer["checksum"]


class Restores(NullObserver):
    """Tells when a process has been reverted, or given up."""

    def __init__(self) -> None:
        self.happened: asyncio.Queue[str] = asyncio.Queue()

    def on_restore(self, report: RestoreReport) -> None:
        del report
        self.happened.put_nowait("restored")

    def on_retire(self, reason: str, message: str) -> None:
        self.happened.put_nowait(f"retired: {reason}: {message}")


async def serve(case: Case, program: Path) -> None:
    """Two requests, and the restores after them."""
    restores = Restores()
    function = Function.from_command([str(program)], ack="require")
    async with Pool(function, observer=restores) as pool:
        for _ in range(2):
            assert (await pool.invoke(case.payload)).value == case.answer
            assert await asyncio.wait_for(restores.happened.get(), 10) == "restored"
        assert pool.stats().retirements == {}


@pytest.mark.kernel
@pytest.mark.parametrize("name", CHEAP)
async def test_cheap_kernels_answer_twice(name: str, folder: Path) -> None:
    await serve(BY_NAME[name], build(BY_NAME[name], folder))


@pytest.mark.kernel
@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in BY_NAME if name not in CHEAP])
async def test_kernels_answer_twice(name: str, folder: Path) -> None:
    await serve(BY_NAME[name], build(BY_NAME[name], folder))


def test_there_are_23_kernels_and_no_file_is_left_out() -> None:
    files = {path.stem for path in CASES[0].source.parent.glob("*.c")}
    assert len(CASES) == 23
    assert set(BY_NAME) == files


@pytest.mark.parametrize("name", CHEAP)
def test_a_child_for_each_request_answers_the_same(name: str, folder: Path) -> None:
    program = build(BY_NAME[name], folder)
    assert checksum(program, forks=True) == checksum(program) == BY_NAME[name].answer["checksum"]


@pytest.mark.slow
@pytest.mark.parametrize("name", REFERENCES)
def test_numpy_comes_to_the_same(name: str) -> None:
    expected = float(BY_NAME[name].answer["checksum"])
    assert REFERENCES[name]() == pytest.approx(expected, rel=TOLERANCE)


@pytest.mark.slow
@pytest.mark.parametrize("name", BENT)
def test_numpy_comes_to_the_same_from_other_data(name: str, tmp_path: Path) -> None:
    replaced, reference = BENT[name]
    text = BY_NAME[name].source.read_text()
    for old, new in replaced.items():
        assert text.count(old) == 1
        text = text.replace(old, new)
    source = tmp_path / f"{name}.c"
    source.write_text(text)
    bent = dataclasses.replace(BY_NAME[name], source=source)
    found = checksum(build(bent, tmp_path))
    assert found != BY_NAME[name].answer["checksum"]
    assert float(found) == pytest.approx(reference(), rel=TOLERANCE)


def wasm_answer(wasmtime: Any, module: Path, output: Path) -> Any:
    """What a module prints under Wasmtime."""
    engine = wasmtime.Engine()
    linker = wasmtime.Linker(engine)
    linker.define_wasi()
    store = wasmtime.Store(engine)
    wasi = wasmtime.WasiConfig()
    wasi.stdout_file = str(output)
    store.set_wasi(wasi)
    instance = linker.instantiate(store, wasmtime.Module.from_file(engine, str(module)))
    try:
        instance.exports(store)["_start"](store)
    except wasmtime.ExitTrap as end:
        assert end.code == 0  # noqa: PT017 - WASI's exit, which is an exception
    return json.loads(output.read_text())


@pytest.mark.slow
@pytest.mark.may_skip("WebAssembly needs clang and Wasmtime, which nothing else here needs")
@pytest.mark.parametrize("name", BY_NAME)
def test_webassembly_comes_to_the_same(name: str, folder: Path, tmp_path: Path) -> None:
    wasmtime = pytest.importorskip("wasmtime", reason="needs wasmtime: pip install wasmtime")
    if shutil.which("clang") is None:
        pytest.skip(f"needs clang: apt install {WASI_PACKAGES}")
    module = build_wasm(BY_NAME[name], folder)
    assert wasm_answer(wasmtime, module, tmp_path / "output") == BY_NAME[name].answer


def test_it_is_compiled_once(tmp_path: Path) -> None:
    case = BY_NAME["trisolv"]
    first = build(case, tmp_path)
    made = first.stat()
    assert build(case, tmp_path) == first
    assert first.stat() == made
    assert list(tmp_path.iterdir()) == [first]


def test_another_source_is_another_program(tmp_path: Path) -> None:
    case = BY_NAME["trisolv"]
    source = tmp_path / "trisolv.c"
    source.write_text(case.source.read_text().replace("b[i] = i;", "b[i] = 2 * i;"))
    other = build(dataclasses.replace(case, source=source), tmp_path)
    assert other != build(case, tmp_path)
    assert checksum(other) != case.answer["checksum"]


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (build, "the compiler 'cc', which is not there: apt install gcc libc6-dev"),
        (build_wasm, f"the compiler 'clang', which is not there: apt install {WASI_PACKAGES}"),
    ],
    ids=["native", "wasm"],
)
def test_no_compiler(function: Any, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError) as error:
        function(BY_NAME["trisolv"], tmp_path)
    assert str(error.value) == f"polybench/trisolv needs {message}"


def test_a_source_that_is_no_c(tmp_path: Path) -> None:
    source = tmp_path / "trisolv.c"
    source.write_text("#error that is no kernel\n")
    with pytest.raises(ConfigError) as error:
        build(dataclasses.replace(BY_NAME["trisolv"], source=source), tmp_path)
    assert str(error.value).startswith(
        f"polybench/trisolv could not be compiled by {shutil.which('cc')}; if it lacks a part: "
        "apt install gcc libc6-dev\n"
    )
    assert "that is no kernel" in str(error.value)
    assert list(tmp_path.iterdir()) == [source]
