"""What the catalog says of a victim."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal

REPLACEMENTS = 4  # requests to a victim that costs a new process each time

Language = Literal["c", "java", "node", "python"]


class Expected(Enum):
    """What becomes of the state."""

    REVERT = "revert"  # put back: the same process serves on
    RETIRE = "retire"  # detected: the process is replaced
    SAFE = "safe"  # either, depending on the moment or the kernel
    REFUSED = "refused"  # no snapshot is taken of a process that has it
    NO_ANSWER = "no answer"  # the function itself fails to answer: the process is replaced


@dataclass(frozen=True)
class Victim:
    """One program under python/groundhog/audit/victims/<language>/."""

    language: Language
    source: str
    leaves: str  # the channel of a row of the inventory
    expected: Expected = Expected.REVERT
    unjailed: bool = False  # what it does is refused in a jail
    namespace_only: bool = False  # by Landlock it cannot be set up, or is seen, as that a file was read
    evasion: bool = False  # it tries to look as if nothing had happened
    full: bool = False  # 1,000 requests in every run
    bulky: bool = False  # each request is much work, such as tens of megabytes: never a thousand of them
    connected: bool = False  # it talks to a server that answers late
    root_only: bool = False  # nobody else can do what it does
    rounds: int = 0  # requests until it has tried all that it tries; 0: every request tries the same
    arguments: tuple[str, ...] = ()  # on its command line
    isolated_answer: str = ""  # what it must answer: it never runs without isolation
    answer_timeout: float = 60.0  # seconds; short where no answer is to come
    sees_engine: bool = (
        False  # its first answer shows that an engine is at work: nothing to compare with a plain one
    )

    @property
    def jail(self) -> str | None:
        """The jail that it is tried in; None: without one."""
        return None if self.unjailed else "auto"

    def requests(self, wanted: int) -> int:
        """How many it gets where each victim is to get so many."""
        if self.expected is not Expected.REVERT:
            wanted = min(wanted, REPLACEMENTS)
        return max(wanted, self.rounds)

    def expects(self, *, refused: bool) -> bool:
        """Whether no snapshot of it is expected, or one; either, where only root can have what is refused."""
        if self.expected is Expected.SAFE and self.root_only:
            return True
        return refused is (self.expected is Expected.REFUSED)

    @property
    def name(self) -> str:
        """What it is called in tests and reports."""
        return f"{self.language}-{self.source}"


REVERT, RETIRE, SAFE = Expected.REVERT, Expected.RETIRE, Expected.SAFE
REFUSED, NO_ANSWER = Expected.REFUSED, Expected.NO_ANSWER
SOON = 0.3
