"""A function process that is a thread of the test, behind real pipes."""

from __future__ import annotations

import copy
import json
import os
import select
import signal
import threading
from typing import TYPE_CHECKING, Any

from groundhog.testing.process import FakeProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from groundhog.testing.engine import FakeEngine

_STOP_S = 1.0
_TOKEN = slice(81, 113)  # of a line that begins with "@"
_numbers = iter(range(900_000_000, 2**31))


class Call:
    """What a scripted function can do besides returning a value."""

    def __init__(self, process: ScriptedProcess, message: dict[str, Any]) -> None:
        self.state = process.state
        """Whatever is put here stays until a restore."""
        self.token = process.token
        """What an answer ends with, before its newline."""
        self.message = message
        """The whole request message."""
        self.killed = process.killed
        """A `threading.Event`: wait for it to hang until the process is killed."""
        self._process = process

    def print(self, text: str, *, stderr: bool = False) -> None:
        """Write a line to stdout or stderr."""
        self._process.write(2 if stderr else 1, text.encode() + b"\n")

    def write_answer(self, data: bytes) -> None:
        """Write raw bytes to the answer pipe."""
        self._process.write(3, data)

    def use_connection(self) -> bool:
        """Use the connection that the process opened when it loaded; False if it has been shut down since."""
        if self._process.connection == "shut":
            return False
        self._process.connection = "used"
        return True

    def exit(self, status: int = 0) -> None:
        """End the process, as ``os._exit`` does."""
        raise _ExitError(status)


class _ExitError(BaseException):
    """Ends a scripted process."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class ScriptedProcess(FakeProcess):
    """A thread that answers request lines with a function of the test."""

    def __init__(
        self,
        engine: FakeEngine,
        function: Callable[[Any, Call], Any],
        fds: Mapping[int, int],
        drain: Sequence[int],
        env: Mapping[str, str],
    ) -> None:
        super().__init__(engine, drain)
        self.pid = next(_numbers)
        self.env = dict(env)
        self.state: dict[str, Any] = {}
        self.killed = threading.Event()
        self.token = b""
        self._hooks_due = False
        self.connection = "open"
        """Then "used", and from the restore on "shut"."""
        self._waits = threading.Event()
        self._kept: dict[str, Any] = {}
        self._function = function
        self._fds = {number: os.dup(fd) for number, fd in fds.items()}
        self._kill = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._ended = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._status: str | None = None
        self._thread = threading.Thread(target=self._run, name=f"scripted-{self.pid}", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._status is None

    @property
    def exit_status(self) -> str | None:
        """How it ended."""
        return self._status

    def exit_fileno(self) -> int:
        """Readable once it has ended."""
        return self._ended

    def kill(self) -> None:
        """End it."""
        self.killed.set()
        if not self._closed or self._thread.is_alive():
            os.eventfd_write(self._kill, 1)

    def write(self, number: int, data: bytes) -> None:
        """Write all of it to one of its descriptors, unless it is killed meanwhile."""
        rest = memoryview(data)
        while rest:
            ready = select.select([self._kill], [self._fds[number]], [])
            if ready[0]:
                raise _ExitError(-signal.SIGKILL)
            rest = rest[os.write(self._fds[number], rest[: select.PIPE_BUF]) :]

    def _stop(self) -> None:
        # A thread cannot be stopped wherever it is: let it come to its next read, or to its end.
        self._waits.wait(_STOP_S)

    def _save(self) -> None:
        self._hooks_due = self._engine.hooks is not None
        self._kept = copy.deepcopy(self.state)
        if self.connection == "used":
            self.connection = "open"  # what counts is what requests do with it

    def _revert(self) -> None:
        self._hooks_due = self._engine.hooks is not None
        self.state.clear()
        self.state.update(copy.deepcopy(self._kept))

    def _shut(self) -> int:
        if self.connection != "used" or self.keeps_connections:
            return 0
        self.connection = "shut"
        return 1

    def _free(self) -> None:
        self._thread.join()
        for fd in (self._kill, self._ended):
            os.close(fd)

    def _run(self) -> None:
        status = 0
        try:
            self._serve()
        except _ExitError as end:
            status = end.status
        except OSError:
            status = 1
        finally:
            for fd in self._fds.values():
                os.close(fd)
            self._status = f"killed by signal {-status}" if status < 0 else f"exited {status}"
            os.eventfd_write(self._ended, 1)
            self._waits.set()

    def _lines(self) -> Any:
        pending = b""
        while True:
            self._waits.set()
            if self._kill in select.select([self._kill, self._fds[0]], [], [])[0]:
                raise _ExitError(-signal.SIGKILL)
            self._waits.clear()
            data = os.read(self._fds[0], 1 << 20)
            if not data:
                return
            *lines, pending = (pending + data).split(b"\n")
            yield from lines

    def _serve(self) -> None:
        if self._engine.takes("init-exit"):
            self.write(2, b"no module named nowhere\n")
            raise _ExitError(1)
        if self._engine.takes("init-error"):
            self.write(3, b'{"ok":false,"error":"SyntaxError: invalid syntax (handler.py, line 3)"}\n')
            raise _ExitError(1)
        if self._engine.takes("init-hangs"):
            self.killed.wait()
            raise _ExitError(-signal.SIGKILL)
        if self.env.get("OW_WAIT_FOR_ACK"):
            self.write(3, b'{"ok":true,"groundhog":1}\n' if self._engine.control else b'{"ok":true}\n')
        for line in self._lines():
            self.token = line[_TOKEN] if line[:1] == b"@" else b""
            message = json.loads(line[_TOKEN.stop :] if self.token else line)
            control = message.get("groundhog")
            if self._hooks_due and self.token:
                self._run_hooks(message)
            if control == "prepare":
                self._acknowledge(
                    ok=True,
                    hooks=self._engine.hooks is not None,
                    before_restore=self._engine.finish is not None,
                )
            elif control == "finish":
                assert self._engine.finish is not None  # noqa: S101 - nobody asks for it then
                wrong = self._engine.finish(Call(self, message))
                self._acknowledge(**({"ok": False, "error": wrong} if wrong else {"ok": True}))
            elif control is not None:
                self.write(3, b"{}" + self.token + b"\n")
            else:
                self._answer(message)

    def _acknowledge(self, **members: Any) -> None:
        self.write(3, json.dumps(members).encode() + self.token + b"\n")

    def _run_hooks(self, message: dict[str, Any]) -> None:
        self._hooks_due = False
        assert self._engine.hooks is not None  # noqa: S101 - none are due then
        if self._engine.takes("hook-fails"):
            self.write(3, b'{"groundhog":"hook","error":"ValueError: no credentials"}\n')
            raise _ExitError(1)
        self._engine.hooks(Call(self, message))
        self.write(3, b" ")

    def _answer(self, message: dict[str, Any]) -> None:
        if self._engine.takes("exit-mid-request"):
            raise _ExitError(1)
        value = self._function(message.get("value"), Call(self, message))
        if self._engine.takes("not-json"):
            value = b"Segmentation fault\n"
        if value is None:
            return
        answer = value if isinstance(value, bytes) else json.dumps(value).encode() + b"\n"
        answer = answer.replace(b"\n", self.token + b"\n")
        if self._engine.takes("two-answers"):
            answer *= 2
        self.write(3, answer)
        if self._engine.takes("exit-after-answer"):
            raise _ExitError(1)
