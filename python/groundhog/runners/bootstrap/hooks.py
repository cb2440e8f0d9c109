"""What a Python function wants done before its snapshot, before each restore, and after it. Loaded by the
launcher.
"""

# ruff: noqa: PTH120 - as in the launcher

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from typing import Any

PACKAGES = ("snapshot_restore_py", "groundhog.hooks")
"""Where a function registers them, if it has loaded that."""


class Hooks:
    """Those of the function."""

    def __init__(self, run: Callable[[Awaitable[Any]], Any]) -> None:
        """``run``: gives the result of an awaitable."""
        self._run = run
        self.waiting: tuple[Any, ...] = ()
        """What is to be called after the next restore; once for each."""

    def before_snapshot(self) -> None:
        """Call those for the moment before the snapshot, the last one first."""
        self._call(reversed(registered("before_snapshot")))
        self.waiting = tuple(registered("after_restore"))

    @property
    def finish(self) -> bool:
        """Whether there are any for the moment before a restore."""
        return bool(registered("before_restore"))

    def before_restore(self, report: Callable[[BaseException], str]) -> str:
        """Call those for the moment before a restore, the last one first, all of them; what went wrong.

        ``report``: shows an error, and says what it is.
        """
        wrong = []
        for hook in reversed(registered("before_restore")):
            try:
                self._call([hook])
            except Exception as error:  # noqa: BLE001, PERF203 - whatever it is, the others have their turn
                wrong.append(report(error))
        return "; ".join(wrong)

    def after_restore(self) -> None:
        """Call those for the moment after a restore, the first one first."""
        waiting, self.waiting = self.waiting, ()
        self._call(waiting)

    def _call(self, hooks: Iterable[Any]) -> None:
        for call, args, kwargs in hooks:
            result = call(*args, **kwargs)
            if hasattr(result, "__await__"):
                self._run(result)


def registered(moment: str) -> list[Any]:
    """The function's hooks for that moment, the first one first."""
    packages = [sys.modules[name] for name in PACKAGES if name in sys.modules]
    return [hook for package in packages for hook in getattr(package, f"get_{moment}", tuple)()]


class Provided:
    """Finds what a function registers its hooks with, where that is not installed: snapshot-restore-py, which
    is always there on AWS Lambda, and `groundhog.hooks`, which an interpreter of the function's may not have.
    """

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> Any:  # noqa: ARG004 - the protocol's
        """Asked last, of what no one else has found."""
        if name == "groundhog":
            return importlib.machinery.ModuleSpec(name, None, is_package=True)
        if name not in PACKAGES:
            return None
        package = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))
        return importlib.util.spec_from_file_location(name, f"{package}/hooks.py")


def provide() -> None:
    """Let the function import what it registers them with."""
    sys.meta_path.append(Provided)
