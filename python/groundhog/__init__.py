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
    from groundhog._core import RestoreReport, SnapshotInfo, Tracee, capabilities

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
    "StateMismatchError",
    "Timings",
    "Tracee",
    "TraceeExitedError",
    "UnsupportedError",
    "capabilities",
]

_FROM_CORE = frozenset({"RestoreReport", "SnapshotInfo", "Tracee", "capabilities"})


def __getattr__(name: str) -> Any:
    """Load the engine when it is first asked for: the rest can be read and tested where it is not built."""
    if name not in _FROM_CORE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from groundhog import _core

    return getattr(_core, name)
