"""Fixtures of all tests."""

from __future__ import annotations

import contextlib
import gc
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


LONGEST_ID = 40


@pytest.fixture
def source(tmp_path: Path) -> Callable[[str, str], Path]:
    """Write a handler: ``source("handler.py", text)`` is its path."""

    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def no_leaks() -> Iterator[None]:
    """The test leaves no descriptor open."""
    before = _open_fds()
    yield
    after = _open_fds()
    assert {fd: target for fd, target in after.items() if before.get(fd) != target} == {}


def _open_fds() -> dict[str, str]:
    fds = {}
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # the one that lists the others
            fds[entry.name] = str(entry.readlink())
    return fds


def pytest_collection_finish() -> None:
    """Keep the thousands of tests, which stay, from being looked at in each collection of garbage."""
    gc.collect()
    gc.freeze()


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name archives and the like by their argument: the time is in them, and workers must agree on names."""
    return argname if isinstance(val, bytes) and len(val) > LONGEST_ID else None
