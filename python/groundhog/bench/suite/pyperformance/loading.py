"""Finds the benchmark programs that the package pyperformance brings along, and loads them as modules."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any


def folder(name: str) -> Path:
    """Return the folder of a benchmark: its program, and its data.

    Args:
        name: the benchmark's, such as ``json_dumps``.

    Raises:
        ModuleNotFoundError: pyperformance is not installed.
    """
    package = importlib.util.find_spec("pyperformance")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("pyperformance is missing: pip install 'groundhog-faas[bench]'")
    return Path(package.origin).parent / "data-files" / "benchmarks" / f"bm_{name}"


def benchmark(name: str) -> Any:
    """Load the program of a benchmark, without running it. Arguments and errors are those of `folder`."""
    spec = importlib.util.spec_from_file_location(f"bm_{name}", folder(name) / "run_benchmark.py")
    assert spec is not None  # noqa: S101 - it is a file of Python
    assert spec.loader is not None  # noqa: S101
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
