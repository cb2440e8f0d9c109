"""What fakes say of snapshots and restores."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class FakeSnapshot:
    """Looks like `groundhog.SnapshotInfo`."""

    strategy: str = "fake"
    mappings: int = 10
    pages: int = 100
    pages_saved: int = 50
    bytes: int = 50 * 4096
    threads: int = 1
    duration: float = 0.001
    phases: dict[str, float] = field(default_factory=lambda: {"copy": 0.001})


@dataclass(frozen=True, slots=True)
class FakeReport:
    """What the package reads of a `groundhog.RestoreReport`."""

    strategy: str = "fake"
    pages_dirty: int = 8
    pages_copied: int = 8
    pages_zeroed: int = 0
    pages_faulted: int = 0
    layout_changes: int = 0
    layout_calls: int = 0
    threads_ended: int = 0
    threads_put_back: int = 0
    connections_shut: int = 0
    bytes_drained: int = 0
    verified: bool = False
    stops: dict[str, int] = field(default_factory=dict)
    duration: float = 50e-6
    phases: dict[str, float] = field(default_factory=lambda: {"stop": 10e-6, "copy": 40e-6})

    def as_dict(self) -> dict[str, Any]:
        """All of it, by name."""
        return asdict(self)
