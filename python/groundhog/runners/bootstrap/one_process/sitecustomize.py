"""Has servers that fork workers serve by the process that they are: a snapshot holds one, and it serves one
request at a time anyway. Python imports this by its name before any program, being first in ``PYTHONPATH``.

Of such servers it knows gunicorn, however that is started: its master would do nothing here but start a
worker, and look whether that still lives, which the supervisor does.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import os
import sys

TYPE_CHECKING = False  # not of `typing`: every program would pay for that
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType
    from typing import Any

_ARBITER = "gunicorn.arbiter"


class _Finder:
    """Finds gunicorn's module of that name as Python does, and changes it when it is imported."""

    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != _ARBITER:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def changed(module: ModuleType) -> None:
                execute(module)
                _serve_without_a_worker(module)

            spec.loader.exec_module = changed  # type: ignore[method-assign]
        return spec


class _WithoutFork:
    """The module ``os``, in which a fork is its own child."""

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    @staticmethod
    def fork() -> int:
        return 0


def _serve_without_a_worker(arbiter: Any) -> None:
    spawn = arbiter.Arbiter.spawn_worker

    def spawn_worker(self: Any) -> Any:
        self.pid = os.getppid()  # a worker ends when its parent is another one
        arbiter.os = _WithoutFork()
        return spawn(self)

    arbiter.Arbiter.spawn_worker = spawn_worker


def _import_the_next_one(this: ModuleType, here: str) -> None:
    """Another module of this name, which would have been imported if this were not there."""
    sys.path[:] = [entry for entry in sys.path if os.path.realpath(entry or ".") != here]
    del sys.modules[this.__name__]
    try:
        importlib.import_module(this.__name__)
    except ImportError as error:
        if error.name != this.__name__:
            raise
        sys.modules[this.__name__] = this


_HERE = os.path.dirname(os.path.realpath(__file__))  # noqa: PTH120 - pathlib costs as much as all this
sys.meta_path.insert(0, _Finder)
_import_the_next_one(sys.modules[__name__], _HERE)
