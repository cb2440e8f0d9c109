"""Text of functions in messages for people."""

from __future__ import annotations


def shown(text: str) -> str:
    """In one line, and without what a terminal would obey: such characters as escapes."""
    line = " ".join(text.split())
    return line if line.isprintable() else "".join(map(_escaped, line))


def _escaped(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode()
