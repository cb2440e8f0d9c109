"""What a worker needs of the way by which it speaks with its process, whatever that speaks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping, Sequence

    from groundhog.config import JsonValue, Limits
    from groundhog.errors import InvocationError
    from groundhog.worker.engine import Process
    from groundhog.worker.job import Job
    from groundhog.worker.watchdog import Guard


class Answer(NamedTuple):
    """What a function answered."""

    raw: bytes
    """As it came."""
    raised: bool
    """The function raised, it did not return that."""
    judge: Callable[[bytes], bool]
    """Looks through all of it: whether it reports an exception. ProtocolError if it is no answer."""
    decode: Callable[[bytes], JsonValue]
    """Makes its value."""


class Owner(Protocol):
    """Who is told what came from the process."""

    def on_answer(self, line: bytes) -> None:
        """The answer is complete."""

    def on_hooks_done(self) -> None:
        """The function's hooks have run: now it is the function's turn."""

    def on_broken(self, error: InvocationError) -> None:
        """The process broke the protocol, its hooks failed, or it has not got all of a request; nothing it
        writes can be trusted any more.
        """

    def on_stray(self, data: bytes) -> None:
        """It wrote bytes though no answer was owed."""

    def on_end(self) -> None:
        """Nobody can answer any more."""


class Channel(Protocol):
    """Hands over requests, and collects answers and what is printed."""

    freshens: bool
    """Whether requests carry fresh random numbers, and answers have to acknowledge them."""
    marks_raised: bool
    """Whether answers say that they were raised."""

    @property
    def cut_short(self) -> bool:
        """Whether the last request was answered before the process had taken all of it."""

    def listen(self) -> None:
        """Begin, once there is a process."""

    def expect(self) -> None:
        """That it has loaded is owed: `Owner.on_answer` gets the acknowledgement."""

    def cancel(self) -> None:
        """Nothing is owed any more."""

    def serve(self, job: Job, *, hooks: bool = False) -> None:
        """Hand over a request; the answer comes to the owner. ``hooks``: the function's run first."""

    def run_hooks(self) -> None:
        """Have the hooks after a restore run, with no request behind them; the owner gets an answer."""

    def finish(self) -> None:
        """Have it do what comes between its answer and a restore; the owner gets an acknowledgement."""

    def reverting(self) -> None:
        """A restore begins: from now on until `reverted`, nothing may go to the process."""

    def reverted(self) -> None:
        """The process is as at its snapshot: so is this. ProtocolError if something is not."""

    def answer(self, line: bytes) -> Answer:
        """The answer in a line."""

    def take_logs(self) -> tuple[str, str]:
        """What has been printed until now, to stdout and to stderr; what comes from now on is nobody's."""

    def hold_logs(self) -> None:
        """Keep what has been printed until now for the next request; what comes before that is nobody's."""

    def read_answer(self) -> None:
        """Read what a process that has ended left."""

    def discard(self) -> int:
        """Drop what came since the last answer; how many bytes of it look like another one."""

    def stop(self) -> None:
        """Watch nothing any more. The descriptors stay open until the process is gone."""


class Transport(Protocol):
    """What a process is given to speak by. Made before it is."""

    finishes: bool
    """Whether something has to come between an answer and a restore: `Channel.finish`."""

    @property
    def env(self) -> Mapping[str, str]:
        """Variables of the process's environment."""

    @property
    def child_fds(self) -> dict[int, int]:
        """The process's descriptors, by the number that it shall know them by."""

    @property
    def drain_fds(self) -> list[int]:
        """What a restore must empty."""

    @property
    def spawn_options(self) -> dict[str, Any]:
        """Which of its connections a restore leaves alone."""

    def release_child_ends(self) -> None:
        """Close our copies of the process's ends, so that its end is their end."""

    def command(self, argv: Sequence[str]) -> list[str]:
        """What to start, told in its words how it is spoken to, if it wants that."""

    def channel(
        self, loop: asyncio.AbstractEventLoop, owner: Owner, guard: Guard, process: Process, limits: Limits
    ) -> Channel:
        """The channel to that process."""

    def waits(self, pid: int) -> bool:
        """Whether the process can be seen to wait for a request."""

    def close(self) -> None:
        """Close everything; safe to call twice."""
