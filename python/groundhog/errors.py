"""Everything that Groundhog raises: one tree, each message says what happened, to which process, and what to
do.
"""

from __future__ import annotations


class GroundhogError(Exception):
    """The root of every error that Groundhog raises on purpose."""


class ConfigError(GroundhogError):
    """The configuration or the function named by the user cannot be used; nothing was started."""


class UnsupportedError(GroundhogError):
    """This machine lacks something that was asked for by name, such as a tracking strategy."""


class SpawnError(GroundhogError):
    """A function process could not be started: no such program, not executable, refused by the kernel."""


class InitError(GroundhogError):
    """The function process started, but its code did not load (syntax error, missing entry, died at start).

    ``log`` is what it wrote to stdout and stderr until then, bounded; ``exited``: it has ended by itself.
    """

    def __init__(self, message: str, log: str = "", *, exited: bool = False) -> None:
        super().__init__(message)
        self.log = log
        self.exited = exited


class TraceeExitedError(GroundhogError):
    """The function process ended by itself, or was killed, while it was needed."""


class SnapshotRefusedError(GroundhogError):
    """The process is in a state that could not be restored with certainty later, so no snapshot was taken.

    ``reason`` is a short, stable code such as ``"shared-memory-limit"``.
    """

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


class RestoreRefusedError(GroundhogError):
    """The process cannot be restored with certainty: it has been killed and must be replaced.

    ``reason`` is a short, stable code such as ``"thread-ended"`` or ``"fd-changed"``; it labels metrics.
    """

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


class StateMismatchError(GroundhogError):
    """``verify`` found that the process differs from its snapshot; the message names the first difference."""


class EngineError(GroundhogError):
    """A system call of the engine failed in a way that is not the function's doing."""


class InvocationError(GroundhogError):
    """A request could not be answered by the function.

    ``stdout`` and ``stderr``: what the function printed until then, bounded.
    """

    def __init__(self, message: str = "", stdout: str = "", stderr: str = "") -> None:
        super().__init__(message)
        self.stdout = stdout
        self.stderr = stderr


class InvalidRequestError(InvocationError):
    """The request cannot be sent to any function: its parameters or its context are not JSON, for example."""


class FunctionTimeoutError(InvocationError):
    """The function did not answer in time; its process has been killed and replaced."""


class FunctionExitedError(InvocationError):
    """The function process ended, by itself or by a signal, before it answered; it has been replaced."""


class ProtocolError(InvocationError):
    """The function process broke its protocol: not JSON, not an object, two answers, too long."""


class HookError(InvocationError):
    """A hook of the function for the moment after a restore failed; the process has been replaced."""


class PayloadTooLargeError(InvocationError):
    """The request or the answer is larger than the configured limit."""


class OverloadedError(InvocationError):
    """The queue of the pool is full; try again later."""


class PoolClosedError(InvocationError):
    """The pool is closing or closed; it takes no more requests."""


class CutOffError(PoolClosedError):
    """The pool was closed before the answer came: the function may have run."""
