"""The fake of the engine itself, and what it can be told to fail at."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

from groundhog.errors import SpawnError
from groundhog.testing.real import RealProcess
from groundhog.testing.scripted import ScriptedProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from groundhog.testing.process import FakeProcess
    from groundhog.testing.scripted import Call

FAULTS = {
    "spawn-refused": "spawn raises SpawnError",
    "init-error": "a scripted process acknowledges with an error, and ends",
    "init-exit": "a scripted process ends before it acknowledges",
    "init-hangs": "a scripted process never acknowledges",
    "snapshot-refused": "snapshot raises SnapshotRefusedError",
    "restore-refused": "the next restore raises RestoreRefusedError('thread-ended'); the process is killed",
    "restore-mismatch": "the next restore raises StateMismatchError, and the process is killed",
    "restore-fails": "the next restore raises EngineError, and the process is killed",
    "restore-hangs": "the next restore never ends until the process is killed",
    "exit-mid-request": "a scripted process ends when it has read its next request",
    "hook-fails": "a hook of a scripted process raises: it says so, and ends",
    "exit-after-answer": "a scripted process ends right after its next answer",
    "two-answers": "a scripted process writes its next answer twice",
    "not-json": "a scripted process answers with something else",
}
"""What `FakeEngine.fail` can cause."""


class FakeEngine:
    """Stands where the class `groundhog.Tracee` stands: pass it to ``Pool(engine=...)``.

    ``function``: called as ``function(params, call)`` in the process's thread; what it returns is answered as
    JSON, bytes are answered as they are, None is answered with nothing. ``hooks``: called as ``hooks(call)``
    after each restore, as the hooks of a launcher are. ``finish``: likewise before each; what it returns is
    what went wrong. ``restore_s``: how long a restore takes. ``control``: whether a scripted process says
    that it is a launcher of ours.
    """

    shuts_in = False
    """Its processes are threads, or untraced: a pool is not to ask it for a jail."""

    def __init__(
        self,
        function: Callable[[Any, Call], Any] | None = None,
        *,
        hooks: Callable[[Call], Any] | None = None,
        finish: Callable[[Call], str | None] | None = None,
        restore_s: float = 0.0,
        control: bool = True,
    ) -> None:
        self.function = function
        self.hooks = hooks
        self.finish = finish
        self.restore_s = restore_s
        self.control = control
        self.processes: list[FakeProcess] = []
        """Every process ever spawned, in order."""
        self._faults: list[str] = []
        self._lock = threading.Lock()

    def fail(self, fault: str, *, times: int = 1) -> None:
        """Let ``fault`` happen the next ``times`` times that it can."""
        if fault not in FAULTS:
            raise ValueError(f"unknown fault {fault!r}: choose one of {', '.join(FAULTS)}")
        with self._lock:
            self._faults.extend([fault] * times)

    def takes(self, fault: str) -> bool:
        """Whether ``fault`` happens now; it is used up then."""
        with self._lock:
            if fault not in self._faults:
                return False
            self._faults.remove(fault)
            return True

    @property
    def alive(self) -> int:
        """Processes that run."""
        return sum(process.alive for process in self.processes)

    @property
    def restores(self) -> int:
        """Restores that succeeded, of all processes, those of the rehearsals included."""
        return sum(process.restores for process in self.processes)

    def spawn(
        self,
        argv: Sequence[str | os.PathLike[str]],
        *,
        env: Mapping[str, str] | None = None,
        cwd: str | os.PathLike[str] | None = None,
        fds: Mapping[int, int] | None = None,
        drain: Sequence[int] = (),
        strategy: str | None = None,
        keep_connections: bool = False,
        **_real: Any,
    ) -> FakeProcess:
        """A process, scripted or real. What is about the real engine alone is left aside."""
        if self.takes("spawn-refused"):
            raise SpawnError(f"{argv[0]} could not be started: refused by a test")
        process: FakeProcess
        if self.function is not None:
            process = ScriptedProcess(self, self.function, fds or {}, drain, env or {})
        else:
            process = RealProcess(self, [os.fspath(word) for word in argv], env, cwd, fds or {}, drain)
        process.strategy = strategy or "fake"
        process.keeps_connections = keep_connections
        self.processes.append(process)
        return process
