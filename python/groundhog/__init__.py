"""Groundhog: every request to a warm serverless function sees the state of a first request."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from groundhog._core import RestoreReport, SnapshotInfo, Tracee, __version__, capabilities
    from groundhog.config import Connections, Function, Hooks, Isolation, Limits, Reply, Timings
    from groundhog.errors import (
        ConfigError,
        CutOffError,
        EngineError,
        FunctionExitedError,
        FunctionTimeoutError,
        GroundhogError,
        HookError,
        InitError,
        InvalidRequestError,
        InvocationError,
        OverloadedError,
        PayloadTooLargeError,
        PoolClosedError,
        ProtocolError,
        RestoreRefusedError,
        SnapshotRefusedError,
        SpawnError,
        StateMismatchError,
        TraceeExitedError,
        UnsupportedError,
    )
    from groundhog.errors import StateMismatchError as StateMismatch
    from groundhog.observer import NullObserver, Observer
    from groundhog.pool import Pool, PoolStats

__all__ = [
    "ConfigError",
    "Connections",
    "CutOffError",
    "EngineError",
    "Function",
    "FunctionExitedError",
    "FunctionTimeoutError",
    "GroundhogError",
    "HookError",
    "Hooks",
    "InitError",
    "InvalidRequestError",
    "InvocationError",
    "Isolation",
    "Limits",
    "NullObserver",
    "Observer",
    "OverloadedError",
    "PayloadTooLargeError",
    "Pool",
    "PoolClosedError",
    "PoolStats",
    "ProtocolError",
    "Reply",
    "RestoreRefusedError",
    "RestoreReport",
    "SnapshotInfo",
    "SnapshotRefusedError",
    "SpawnError",
    "StateMismatch",
    "StateMismatchError",
    "Timings",
    "Tracee",
    "TraceeExitedError",
    "UnsupportedError",
    "__version__",
    "capabilities",
]

_HOMES = {
    "groundhog._core": ("RestoreReport", "SnapshotInfo", "Tracee", "__version__", "capabilities"),
    "groundhog.config": ("Connections", "Function", "Hooks", "Isolation", "Limits", "Reply", "Timings"),
    "groundhog.observer": ("NullObserver", "Observer"),
    "groundhog.pool": ("Pool", "PoolStats"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}
_RENAMED = {"StateMismatch": "StateMismatchError"}  # the name that is caught around `Tracee.verify`


def __getattr__(name: str) -> Any:
    """Load what is asked for, when it is: a function that imports `groundhog.hooks` needs nothing else, and
    most can be read and tested where the engine is not built.
    """
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = importlib.import_module(_HOME.get(name, "groundhog.errors"))
    value = globals()[name] = getattr(home, _RENAMED.get(name, name))
    return value


def __dir__() -> list[str]:
    """Also what is loaded only when it is asked for."""
    return sorted({*globals(), *__all__})
