"""What both kinds of fake processes have in common: the surface of `groundhog.Tracee` that workers use."""

from __future__ import annotations

import os
import select
import threading
from typing import TYPE_CHECKING, cast

from groundhog.errors import (
    EngineError,
    RestoreRefusedError,
    SnapshotRefusedError,
    StateMismatchError,
    TraceeExitedError,
)
from groundhog.testing.reports import FakeReport, FakeSnapshot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Self

    from groundhog.testing.engine import FakeEngine
    from groundhog.worker.engine import RestoreReport, SnapshotInfo


class FakeProcess:
    """What is common to both kinds: the surface of `groundhog.Tracee` that workers use."""

    strategy = "fake"
    keeps_connections = False
    pid: int

    def __init__(self, engine: FakeEngine, drain: Sequence[int]) -> None:
        self._engine = engine
        self._drain = list(drain)
        self._done = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._outcome: FakeReport | Exception | None = None
        self._timer: threading.Timer | None = None
        self._closed = False
        self.restores = 0
        self.has_snapshot = False

    def snapshot(self) -> SnapshotInfo:
        """Remember the state."""
        if self._engine.takes("snapshot-refused"):
            raise SnapshotRefusedError(
                "the process has more shared memory than a snapshot may hold", "shared-memory-limit"
            )
        if not self.alive:
            raise TraceeExitedError(f"process {self.pid} has ended")
        self._save()
        self.has_snapshot = True
        return cast("SnapshotInfo", FakeSnapshot())

    def restore(self, *, verify: bool = False) -> RestoreReport:
        """Revert and wait for it."""
        self.start_restore(verify=verify)
        select.select([self._done], [], [])
        return self.finish_restore()

    def verify(self) -> None:
        """Find no difference."""

    def take_callers(self) -> list[int]:
        """None: it has no network of its own."""
        return []

    def listeners(self) -> list[tuple[str, int]]:
        """Nowhere: no fake is a server."""
        return []

    def start_restore(self, *, verify: bool = False) -> None:
        """Revert; the descriptor becomes readable when it is done."""
        if not self.has_snapshot:
            raise EngineError(f"process {self.pid} has no snapshot to restore")
        failure: Exception | None = None
        self._stop()
        if self._engine.takes("restore-hangs"):
            return
        if self._engine.takes("restore-refused"):
            failure = RestoreRefusedError(
                f"process {self.pid} was killed: a thread of it has ended", "thread-ended"
            )
        elif self._engine.takes("restore-mismatch"):
            failure = StateMismatchError(f"process {self.pid} differs from its snapshot at 0x1000")
        elif self._engine.takes("restore-fails"):
            failure = EngineError(f"process {self.pid}: PAGEMAP_SCAN failed")
        elif not self.alive:
            failure = TraceeExitedError(f"process {self.pid} has ended")

        def finish() -> None:
            if failure is not None:
                self.kill()
                self._outcome = failure
            else:
                self._revert()
                drained = sum(self._empty(fd) for fd in self._drain)
                shut = self._shut()
                self._outcome = FakeReport(bytes_drained=drained, connections_shut=shut, verified=verify)
            os.eventfd_write(self._done, 1)

        if self._engine.restore_s:
            self._timer = threading.Timer(self._engine.restore_s, finish)
            self._timer.daemon = True
            self._timer.start()
        else:
            finish()

    def finish_restore(self) -> RestoreReport:
        """The report, or what went wrong."""
        os.eventfd_read(self._done)
        outcome, self._outcome = self._outcome, None
        if isinstance(outcome, Exception):
            raise outcome
        assert outcome is not None  # noqa: S101 - the descriptor was readable
        self.restores += 1
        return cast("RestoreReport", outcome)

    def fileno(self) -> int:
        """Readable when a restore is done."""
        return self._done

    def close(self) -> None:
        """Kill and free."""
        if self._closed:
            return
        self._closed = True
        self.kill()
        if self._timer is not None:
            self._timer.cancel()
            self._timer.join()
        self._free()
        os.close(self._done)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @staticmethod
    def _empty(fd: int) -> int:
        count = 0
        while True:
            try:
                data = os.read(fd, 1 << 20)
            except BlockingIOError:
                return count
            if not data:
                return count
            count += len(data)

    # What the kinds differ in

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        raise NotImplementedError

    @property
    def exit_status(self) -> str | None:
        """How it ended."""
        raise NotImplementedError

    def exit_fileno(self) -> int:
        """Readable once it has ended."""
        raise NotImplementedError

    def kill(self) -> None:
        """End it."""
        raise NotImplementedError

    def _stop(self) -> None:
        """What stops the process in a real engine."""

    def _save(self) -> None:
        """Take the snapshot."""

    def _revert(self) -> None:
        """Put it back."""

    def _shut(self) -> int:
        """Shut down the connections of the snapshot that a request used; how many."""
        return 0

    def _free(self) -> None:
        """Release what it holds."""
        raise NotImplementedError
