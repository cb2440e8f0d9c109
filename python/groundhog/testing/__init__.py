"""Fakes of the engine: pools, protocols and platforms can be tested without tracing a process.

`FakeEngine(function)` runs ``function`` in a thread behind real pipes, as a scripted function process whose
``state`` is reverted by a restore. `FakeEngine()` starts the real program, untraced: its restores revert
nothing. Both can be told to fail by name, see `FAULTS`.

`weakened` leaves out a part of the promise, to show that a test notices.
"""

from groundhog.testing.engine import FAULTS, FakeEngine
from groundhog.testing.process import FakeProcess
from groundhog.testing.real import RealProcess
from groundhog.testing.reports import FakeReport, FakeSnapshot
from groundhog.testing.scripted import Call, ScriptedProcess
from groundhog.weakening import weakened

__all__ = [
    "FAULTS",
    "Call",
    "FakeEngine",
    "FakeProcess",
    "FakeReport",
    "FakeSnapshot",
    "RealProcess",
    "ScriptedProcess",
    "weakened",
]
