"""Finds the benchmark programs in the installed package pyperformance, and loads them as modules."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

_INSTALL = "pip install 'groundhog-faas[bench]'"


def folder(name: str) -> Path:
    """Return the folder of a benchmark: its program, and its data.

    Args:
        name: the name of the benchmark, such as ``json_dumps``.

    Raises:
        ModuleNotFoundError: pyperformance is not installed, or it has no such benchmark; the message says
            what to install.
    """
    package = importlib.util.find_spec("pyperformance")
    if package is None or package.origin is None:
        raise ModuleNotFoundError(f"the package 'pyperformance' is not installed: {_INSTALL}")
    found = Path(package.origin).parent / "data-files" / "benchmarks" / f"bm_{name}"
    if not (found / "run_benchmark.py").is_file():
        raise ModuleNotFoundError(f"the installed pyperformance has no benchmark {name!r}: {_INSTALL}")
    return found


def benchmark(name: str) -> Any:
    """Load the program of a benchmark as a module, without running it.

    Args:
        name: the name of the benchmark.

    Raises:
        ModuleNotFoundError: as `folder` does, or a package is missing that the program imports.
    """
    spec = importlib.util.spec_from_file_location(f"bm_{name}", folder(name) / "run_benchmark.py")
    assert spec is not None  # noqa: S101 - of a file in Python there is one
    assert spec.loader is not None  # noqa: S101 - likewise
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except ModuleNotFoundError as error:
        message = f"the benchmark {name!r} needs the package {error.name!r}: {_INSTALL}"
        raise ModuleNotFoundError(message, name=error.name) from error
    return module
