"""Function processes for tests, plain or under the engine, spoken to over the same pipes in ActionLoop.

`Plain` is what every platform does today: one process serves request after request. `Traced` is the same
process under `groundhog.Tracee`, without pool and worker above it: what a test finds is the engine's doing.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from groundhog._core import RestoreReport, Tracee

if TYPE_CHECKING:
    from collections.abc import Mapping

ANSWER_FD = 3
MARK = "GROUNDHOG_TRIAL"


class NoAnswerError(Exception):
    """The process ended, closed its answer pipe, or let the time pass."""


@dataclass(frozen=True)
class Program:
    """A program that speaks ActionLoop, and where it may write."""

    argv: tuple[str, ...]
    scratch: str
    mark: str  # in its environment, so that whatever it leaves running is found
    settings: Mapping[str, str] = field(default_factory=dict)  # more of its environment

    def environment(self) -> dict[str, str]:
        """All the variables that it gets."""
        return {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "TMPDIR": self.scratch,
            MARK: self.mark,
            **self.settings,
        }


class Pipes:
    """The four pipes of one function process: requests in, answers, output and errors out."""

    def __init__(self) -> None:
        self.child_in, self.requests = os.pipe()
        self.answers, self.child_answers = os.pipe()
        self.output, self.child_output = os.pipe()
        self.errors, self.child_errors = os.pipe()
        # An open file of its own: O_NONBLOCK on a duplicate would reach the function's own end.
        self.unread = os.open(f"/proc/self/fd/{self.child_in}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        self.read_ends = (self.answers, self.output, self.errors)
        for fd in self.read_ends:
            os.set_blocking(fd, False)
        self.answered = bytearray()
        self.printed = bytearray()

    def for_child(self) -> dict[int, int]:
        """The function's ends, by the number that each has there."""
        return {0: self.child_in, 1: self.child_output, 2: self.child_errors, ANSWER_FD: self.child_answers}

    def drained(self) -> tuple[int, ...]:
        """What a restore empties."""
        return (*self.read_ends, self.unread)

    def close_child_ends(self) -> None:
        """Once the function has its own."""
        for fd in self.for_child().values():
            os.close(fd)

    def close(self) -> None:
        """Close ours."""
        for fd in (self.requests, self.unread, *self.read_ends):
            os.close(fd)

    def forget(self) -> None:
        """Drop what was read beyond the last answer: it is no part of the next one."""
        self.answered.clear()
        self.printed.clear()

    def ask(self, line: bytes, timeout: float, exited: int | None = None) -> bytes:
        """Send a request and wait for one line, reading output meanwhile.

        `exited` is a descriptor that becomes readable when the process ends: the engine keeps duplicates of
        the function's own ends, so the pipes alone do not tell.

        Raises:
            NoAnswerError: No whole line came in `timeout` seconds, or none can come any more.

        """
        try:
            os.write(self.requests, line)
        except BrokenPipeError as error:
            raise NoAnswerError("the request pipe is closed") from error
        return self.line(timeout, exited)

    def line(self, timeout: float, exited: int | None = None) -> bytes:
        """One line of the answer pipe, without its newline; see `ask`."""
        deadline = time.monotonic() + timeout
        with selectors.DefaultSelector() as selector:
            for fd in self.read_ends:
                selector.register(fd, selectors.EVENT_READ)
            if exited is not None:
                selector.register(exited, selectors.EVENT_READ)
            while (end := self.answered.find(b"\n")) < 0:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise NoAnswerError("no answer in time")
                ready = {key.fd for key, _ in selector.select(left)}
                open_ends = [fd for fd in self.read_ends if fd not in ready or self._take(fd)]
                if self.answers not in open_ends:
                    raise NoAnswerError("the answer pipe is closed")
                for fd in ready.intersection(self.read_ends).difference(open_ends):
                    selector.unregister(fd)
                # Only once nothing is left to read: a process may answer and end at once.
                if ready == {exited}:
                    raise NoAnswerError("the process has ended")
        answer = bytes(self.answered[:end])
        del self.answered[: end + 1]
        return answer

    def _take(self, fd: int) -> bool:
        """Read what is there; false at the end of the pipe."""
        data = os.read(fd, 1 << 20)
        (self.answered if fd == self.answers else self.printed).extend(data)
        return bool(data)


class Plain:
    """A function process without isolation."""

    def __init__(self, program: Program, *, start_timeout: float) -> None:
        self.pipes = Pipes()
        actions = [(os.POSIX_SPAWN_DUP2, ours, theirs) for theirs, ours in self.pipes.for_child().items()]
        self.pid = os.posix_spawnp(program.argv[0], program.argv, program.environment(), file_actions=actions)
        # As the engine does: a program that tells of it is to answer as it does there.
        with contextlib.suppress(OSError):  # it has ended, or nobody may
            Path(f"/proc/{self.pid}/oom_score_adj").write_text("1000", encoding="ascii")
        self._mark = program.mark
        self.pipes.close_child_ends()
        self.pipes.line(start_timeout)

    def ask(self, line: bytes, timeout: float) -> bytes:
        """See `Pipes.ask`."""
        return self.pipes.ask(line, timeout)

    def close(self) -> None:
        """Kill it, and whatever it left running."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        kill_marked(self._mark)
        self.pipes.close()


class Traced:
    """A function process under the engine, with its snapshot taken."""

    def __init__(
        self, program: Program, *, strategy: str | None, jail: str | None, watch: bool, start_timeout: float
    ) -> None:
        self.pipes = Pipes()
        self.tracee = Tracee.spawn(
            program.argv,
            env=program.environment(),
            fds=self.pipes.for_child(),
            drain=self.pipes.drained(),
            strategy=strategy,
            jail=jail,
            watch=watch,
            private=[] if jail is None else [program.scratch],
        )
        self.pipes.close_child_ends()
        try:
            self.pipes.line(start_timeout, self.tracee.exit_fileno())
            self.tracee.snapshot()
        except BaseException:
            self.close()
            raise

    def ask(self, line: bytes, timeout: float) -> bytes:
        """See `Pipes.ask`."""
        return self.pipes.ask(line, timeout, self.tracee.exit_fileno())

    def settle(self) -> None:
        """Wait until the main thread sleeps: as a rule in the read of the next request.

        A restore may begin at once after the answer, or any time later; what a function does after its answer
        is seen only in the second case. The kernel announces that state nowhere, so it is looked for.
        """
        deadline = time.monotonic() + 1
        stat = Path(f"/proc/{self.tracee.pid}/stat")
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            while time.monotonic() < deadline and stat.read_bytes().rpartition(b")")[2].split()[0] in b"RD":
                os.sched_yield()

    def restore(self, *, verify: bool) -> RestoreReport:
        """Revert it; what it wrote after its answer is dropped."""
        report = self.tracee.restore(verify=verify)
        self.pipes.forget()
        return report

    def close(self) -> None:
        """Kill it and its descendants."""
        self.tracee.close()
        self.pipes.close()


def marked(mark: str) -> list[int]:
    """Process ids, in ascending order, of whoever has this mark in its environment; zombies have none."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                if wanted in (folder / "environ").read_bytes().split(b"\0"):
                    found.append(int(folder.name))
    return sorted(found)


def kill_marked(mark: str) -> None:
    """Kill what a plain function process left behind, however often it forks meanwhile."""
    while pids := marked(mark):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
