"""The modes in which a function of the suite is measured: each takes one request at a time."""

from __future__ import annotations

import json
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from groundhog import _core
from groundhog.bench.lane import OFF, Lane, Samples
from groundhog.bench.piped import Piped
from groundhog.bench.suite import forking
from groundhog.bench.suite.case import Language
from groundhog.config import Function, Limits
from groundhog.protocols.actionloop import encode_request
from groundhog.runners import command_for

if TYPE_CHECKING:
    from groundhog._core import SnapshotInfo
    from groundhog.bench.suite.building import Ready
    from groundhog.bench.suite.case import Case

AGAIN = "off again"
"""A second plain process: what it differs by from the first is noise."""
NOP = "nop"
"""Traced and snapshotted, and never restored."""
REQUEST = "request"
"""What users get: reverted after each request."""
CLASSIC = "classic"
"""Reverted in the published way."""
FORK = "fork"
"""A child for each request."""
COLD = "cold"
"""A new process for each request."""
WASM = "wasm"
"""A new instance of WebAssembly for each request, under Wasmtime."""

ALL = (OFF, AGAIN, NOP, REQUEST, CLASSIC, FORK, COLD, WASM)

_LIMITS = Limits(timeout_s=120, start_timeout_s=120)
_PSS = re.compile(r"^Pss:\s+(\d+) kB$", re.MULTILINE)


class Measured(Protocol):
    """A function in one mode."""

    mode: str
    samples: Samples
    answer: bytes

    @property
    def snapshot(self) -> SnapshotInfo | None:
        """What it is reverted to, if it is."""

    def step(self) -> None:
        """Serve one request, and note how long it took."""

    def cycle(self) -> None:
        """Serve one request, and get ready for the next."""

    def memory(self) -> int | None:
        """Bytes that it takes, the supervisor's part included; None: nothing stays between requests."""

    def close(self) -> None:
        """Free it."""


def applies(case: Case, mode: str) -> bool:
    """Whether a function can be measured in a mode at all."""
    if mode == FORK:
        return case.language is not Language.NODE
    if mode == WASM:
        return case.language is Language.C
    return True


def answer_of(measured: Measured) -> Any:
    """The last answer, without what a fresh request's has to repeat."""
    return json.JSONDecoder().raw_decode(measured.answer.decode())[0]


class _Warm(Lane):
    def __init__(self, function: Function, payload: Any, mode: str, rounds: int) -> None:
        preferred = str(_core.capabilities()["preferred"])
        strategy = {OFF: OFF, AGAIN: OFF, CLASSIC: "classic"}.get(mode, preferred)
        super().__init__(
            function, payload, strategy, rounds, _LIMITS, restores=mode != NOP, rehearsals=rounds
        )
        self.mode = mode

    def memory(self) -> int:
        """Its own share, and what the supervisor keeps of it."""
        text = Path(f"/proc/{self.pid}/smaps_rollup").read_text("ascii")
        found = _PSS.search(text)
        assert found is not None  # noqa: S101 - the kernel writes it: proc_pid_smaps(5)
        return int(found[1]) * 1024 + (self.snapshot.bytes if self.snapshot else 0)


class _Cold:
    snapshot = None

    def __init__(self, function: Function, payload: Any) -> None:
        self.mode = COLD
        self.samples = Samples()
        self.answer = b""
        self._command = command_for(function)
        self._line = encode_request(payload)
        self._begun: Piped | None = None

    def step(self) -> None:
        self._free()
        start = time.perf_counter()
        self._serve()
        self.samples.requests.append(time.perf_counter() - start)

    def cycle(self) -> None:
        self._free()
        self._serve()

    def _serve(self) -> None:
        self._begun = Piped(self._command, None, _LIMITS, f"mode {COLD}")
        with self._begun.in_time():
            self.answer = self._begun.exchange(self._line)

    def _free(self) -> None:
        if self._begun is not None:
            self._begun.close()
            self._begun = None

    def memory(self) -> None:
        return None

    close = _free


class _Wasm:
    """Compiled once; the instance, its memory and its files are new for each request."""

    snapshot = None

    def __init__(self, module: Path) -> None:
        import wasmtime  # of the extra [bench]

        self._wasmtime = wasmtime
        self.mode = WASM
        self.samples = Samples()
        self.answer = b""
        self._engine = wasmtime.Engine()
        self._linker = wasmtime.Linker(self._engine)
        self._linker.define_wasi()
        self._module = wasmtime.Module.from_file(self._engine, str(module))
        self._said = tempfile.NamedTemporaryFile(prefix="groundhog-wasm-")  # noqa: SIM115 - closed by `close`

    def cycle(self) -> None:
        store = self._wasmtime.Store(self._engine)
        wasi = self._wasmtime.WasiConfig()
        wasi.stdout_file = self._said.name
        store.set_wasi(wasi)
        start = self._linker.instantiate(store, self._module).exports(store)["_start"]
        assert isinstance(start, self._wasmtime.Func)  # noqa: S101 - WASI says so
        try:
            start(store)
        except self._wasmtime.ExitTrap as ended:
            if ended.code:
                raise

    def step(self) -> None:
        start = time.perf_counter()
        self.cycle()
        self.samples.requests.append(time.perf_counter() - start)
        self.answer = Path(self._said.name).read_bytes()

    def memory(self) -> None:
        return None

    def close(self) -> None:
        self._said.close()


def measured(mode: str, ready: Ready, rounds: int) -> Measured:
    """Start a function in a mode.

    Args:
        mode: one of `ALL` that `applies`.
        ready: the function.
        rounds: requests before the snapshot, and again, restored, before anything is measured.
    """
    payload = ready.case.payload
    if mode == COLD:
        return _Cold(ready.function, payload)
    if mode == WASM:
        assert ready.module is not None  # noqa: S101 - it was made, since the mode applies
        return _Wasm(ready.module)
    if mode == FORK:
        of_c = ready.case.language is Language.C
        # -P: not what lies beside the program is imported, which has names of packages.
        python = [sys.executable, "-P", forking.__file__]
        words = [str(ready.source), "--fork"] if of_c else [*python, str(ready.source)]
        lane = _Warm(Function.from_command(words, ack="require"), payload, OFF, rounds)
        lane.mode = FORK
        return lane
    return _Warm(ready.function, payload, mode, rounds)
