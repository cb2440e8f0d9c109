"""What the log tells of requests: those that failed, or printed something, are one event each."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from groundhog import errors
from groundhog._log import log
from groundhog.config import Timings

if TYPE_CHECKING:
    from groundhog.config import Reply
    from groundhog.worker import Job


def replied(activation_id: str, reply: Reply, *, failed: bool) -> None:
    """Log a request that the function has answered."""
    write = log.warning if failed else log.info
    event = {"activation_id": activation_id, "outcome": "error" if failed else "ok", **_ms(reply.timings)}
    write("request", **event, **_output(reply.stdout, reply.stderr))


def failed(activation_id: str, error: errors.GroundhogError, job: Job | None) -> None:
    """Log a request that came to no answer."""
    event: dict[str, Any] = {"activation_id": activation_id, "outcome": type(error).__name__}
    if job is not None:  # else it was refused at once
        event |= _ms(job.timings or Timings(time.perf_counter() - job.queued_at, 0.0))
    if isinstance(error, errors.InvocationError):
        event |= _output(error.stdout, error.stderr)
    log.warning("request", error=str(error), **event)


def _ms(timings: Timings) -> dict[str, float]:
    times = {"queue_ms": timings.queue_s, "run_ms": timings.run_s, "restore_ms": timings.restore_s}
    return {name: round(seconds * 1e3, 3) for name, seconds in times.items() if seconds is not None}


def _output(stdout: str, stderr: str) -> dict[str, str]:
    return {name: text for name, text in (("stdout", stdout), ("stderr", stderr)) if text}
