"""`python -m groundhog.audit.guarantees DOCS`: writes what becomes of what into the documents.

`DOCS` is their folder. `guarantees.md` gets the tables of the inventory, `audit.md` the victims by name,
`policy.md` the engine's policy of system calls. A test of the repository fails when one is not up to date.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from groundhog._core import policy
from groundhog.audit.catalog import VICTIMS
from groundhog.audit.inventory import OUTSIDE, ROWS

if TYPE_CHECKING:
    from groundhog.audit.catalog import Language
    from groundhog.audit.inventory import Row

LANGUAGES: dict[Language, str] = {"c": "C", "java": "Java", "node": "Node", "python": "Python"}
POLICY, OPERATIONS = "## Calls\n", "## Operations\n"
TABLE, VICTIMS_BY_NAME = "## What becomes of what\n", "## The victims\n"
LEFT = "## What a later request may still tell, and why\n"


def table() -> str:
    """State, answer, and how many victims show it."""
    lines = ["| state | answer | victims that show it |", "| --- | --- | --- |"]
    lines += [f"| {row.state} | {row.answer} | {_shown_by(row)} |" for row in ROWS]
    return "".join(f"{line}\n" for line in lines)


def _shown_by(row: Row) -> str:
    if row.unshown:
        return row.unshown
    victims = [victim for victim in VICTIMS if victim.leaves == row.channel]
    counts = Counter(victim.language for victim in victims)
    shown = ", ".join(f"{name} {counts[key]}" for key, name in LANGUAGES.items() if counts[key])
    evasions = sum(victim.evasion for victim in victims)
    if not evasions:
        return shown
    return f"{shown}; {evasions} {'is an evasion' if evasions == 1 else 'are evasions'}"


def left() -> str:
    """What the engine does not cover."""
    lines = ["| what | why |", "| --- | --- |", *(f"| {what} | {why} |" for what, why in OUTSIDE)]
    return "".join(f"{line}\n" for line in lines)


def victims() -> str:
    """Every victim by name, evasions in italics."""
    lines = ["| state | victims |", "| --- | --- |"]
    for row in ROWS:
        parts = []
        for key, language in LANGUAGES.items():
            names = [
                f"*{victim.source}*" if victim.evasion else victim.source
                for victim in VICTIMS
                if victim.leaves == row.channel and victim.language == key
            ]
            parts += [f"{language}: {', '.join(names)}"] if names else []
        if parts:
            lines.append(f"| {row.channel} | {'; '.join(parts)} |")
    return "".join(f"{line}\n" for line in lines)


def calls() -> str:
    """Each class of calls and what is done about them, with their names."""
    classes: dict[tuple[str, str], list[str]] = {}
    for row in policy():
        if not row["operation"]:
            classes.setdefault((row["class"], row["answer"]), []).append(f"`{row['call']}`")
    lines = ["| class | what is done | calls |", "| --- | --- | --- |"]
    lines += [
        f"| {kind} | {answer or 'nothing'} | {', '.join(names)} |"
        for (kind, answer), names in sorted(classes.items())
    ]
    return "".join(f"{line}\n" for line in lines)


def operations() -> str:
    """The same for the operations of calls that have many."""
    classes: dict[tuple[str, str, str], list[str]] = {}
    for row in policy():
        if row["operation"]:
            key = (row["call"], row["class"], row["answer"])
            classes.setdefault(key, []).append(
                "all others" if row["operation"] == "others" else f"`{row['operation']}`"
            )
    lines = ["| call | class | what is done | operations |", "| --- | --- | --- | --- |"]
    lines += [
        f"| `{call}` | {kind} | {answer or 'nothing'} | {', '.join(names)} |"
        for (call, kind, answer), names in sorted(classes.items())
    ]
    return "".join(f"{line}\n" for line in lines)


def renewed(document: str, heading: str, made: str) -> str:
    """The document with the first table below that heading replaced.

    Raises:
        ValueError: There is no such heading, or no table below it.

    """
    before, found, rest = document.partition(heading)
    start = rest.find("|")
    if not found or start < 0:
        raise ValueError(f"there is no table below {heading.strip()!r}")
    lines = rest[start:].splitlines(keepends=True)
    length = next((at for at, line in enumerate(lines) if not line.startswith("|")), len(lines))
    return before + found + rest[:start] + made + "".join(lines[length:])


def documents(folder: Path) -> dict[Path, str]:
    """What each document is to be."""
    wanted: dict[Path, str] = {}
    for name, heading, made in (
        ("guarantees.md", TABLE, table()),
        ("guarantees.md", LEFT, left()),
        ("audit.md", VICTIMS_BY_NAME, victims()),
        ("policy.md", POLICY, calls()),
        ("policy.md", OPERATIONS, operations()),
    ):
        path = folder / name
        wanted[path] = renewed(wanted.get(path) or path.read_text(encoding="utf-8"), heading, made)
    return wanted


def main() -> None:
    """Write them."""
    for path, text in documents(Path(sys.argv[1])).items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
