"""What a function of the suite is: its file, what it is asked, and what it has to answer."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


class Language(str, Enum):
    """What a function is written in."""

    PYTHON = "python"
    NODE = "node"
    C = "c"


@dataclass(frozen=True, slots=True)
class Case:
    """A function of the suite."""

    suite: str
    name: str
    language: Language
    source: Path
    """Of Python or Node: the file with ``main``. Of C: the one with ``run`` (see `polybench`)."""
    payload: Any
    """What every request carries."""
    answer: Any
    """What it has to answer to that, exactly."""
    packages: tuple[str, ...] = ()
    """What it imports beside the language's own, as its package manager names it."""
    programs: tuple[str, ...] = ()
    """Which programs it starts."""

    @property
    def id(self) -> str:
        """Of all suites: two of them have a ``json``."""
        return f"{self.suite}/{self.name}"
