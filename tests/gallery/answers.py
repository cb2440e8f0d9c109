"""Whether an answer is right: beside that of a fresh process, and beside those before it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.gallery.catalog import Compared

SHORTEST_IDENTIFIER = 8
SMALLEST_RANDOM = 1 << 16


def shape(value: Any) -> Any:
    """Its types: of a list those that are in it, whatever its length."""
    if isinstance(value, dict):
        return {key: shape(member) for key, member in value.items()}
    if isinstance(value, list):
        return sorted({repr(shape(member)) for member in value})
    return type(value).__name__


def identifiers(value: Any) -> Iterator[str | float]:
    """What is in it that no other answer may have: long texts, fractions, large numbers."""
    if isinstance(value, dict):
        for member in value.values():
            yield from identifiers(member)
    elif isinstance(value, list):
        for member in value:
            yield from identifiers(member)
    elif (isinstance(value, str) and len(value) >= SHORTEST_IDENTIFIER) or (
        isinstance(value, (int, float))
        and not isinstance(value, bool)
        and (isinstance(value, float) or abs(value) >= SMALLEST_RANDOM)
    ):
        yield value


class Judge:
    """Compares the answers of one function with those of fresh processes."""

    def __init__(self, compared: Compared) -> None:
        self._compared = compared
        self._known: set[str | float] = set()

    def fault(self, answer: Any, fresh: Any) -> str | None:
        """What is wrong with an answer beside that of a fresh process; None if nothing."""
        if self._compared == "exactly":
            return None if answer == fresh else f"{answer} instead of {fresh}"
        if shape(answer) != shape(fresh):
            return f"{answer} instead of something like {fresh}"
        if self._compared == "uniquely":
            found = set(identifiers(answer))
            if not found:
                return f"{answer} has nothing that could be told from other answers"
            repeated = found & self._known
            self._known |= found
            if repeated:
                return f"{', '.join(sorted(map(str, repeated)))} came in an earlier answer, too"
        return None
