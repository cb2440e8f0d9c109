"""Groundhog: every request to a warm serverless function sees the state of a first request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from groundhog.config import Function, Isolation, Limits, Reply, Timings
from groundhog.errors import (
    ConfigError,
    EngineError,
    FunctionExitedError,
    FunctionTimeoutError,
    GroundhogError,
    InitError,
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
from groundhog.observer import NullObserver, Observer
from groundhog.pool import Pool, PoolStats

if TYPE_CHECKING:
    from groundhog._core import RestoreReport, SnapshotInfo, Tracee, __version__, capabilities

StateMismatch = StateMismatchError
"""The name that is caught around `Tracee.verify`."""

__all__ = [
    "ConfigError",
    "EngineError",
    "Function",
    "FunctionExitedError",
    "FunctionTimeoutError",
    "GroundhogError",
    "InitError",
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

_FROM_CORE = frozenset({"RestoreReport", "SnapshotInfo", "Tracee", "__version__", "capabilities"})


def __getattr__(name: str) -> Any:
    """Load the engine when it is first asked for: the rest can be read and tested where it is not built."""
    if name not in _FROM_CORE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from groundhog import _core

    return getattr(_core, name)


def __dir__() -> list[str]:
    """Also what is loaded only when it is asked for."""
    return sorted({*globals(), *_FROM_CORE})
