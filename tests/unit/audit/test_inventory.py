"""The inventory, the catalog and the documents say the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from groundhog.audit import guarantees
from groundhog.audit.catalog import VICTIMS
from groundhog.audit.inventory import ROWS
from groundhog.audit.workshop import SOURCES

ROOT = Path(__file__).parents[3]
SUFFIX = {"c": ".c", "java": ".java", "node": ".js", "python": ".py"}
NO_VICTIMS = {"loop.js", "loop.py", "Victim.java"}


def test_every_row_has_victims_or_a_reason_why_not() -> None:
    shown = {victim.leaves for victim in VICTIMS}
    assert {row.channel for row in ROWS if not row.unshown} == shown
    assert not {row.channel for row in ROWS if row.unshown} & shown


def test_rows_are_told_apart() -> None:
    assert len({row.channel for row in ROWS}) == len(ROWS)
    assert len({row.state for row in ROWS}) == len(ROWS)


def test_every_source_is_in_the_catalog_once() -> None:
    listed = [f"{victim.language}/{victim.source}{SUFFIX[victim.language]}" for victim in VICTIMS]
    there = [
        f"{folder}/{path.name}"
        for folder, suffix in SUFFIX.items()
        for path in (SOURCES / folder).glob(f"*{suffix}")
        if path.name not in NO_VICTIMS
    ]
    assert sorted(listed) == sorted(there)


@pytest.mark.parametrize("name", ["guarantees.md", "audit.md", "policy.md"])
def test_the_documents_are_up_to_date(name: str) -> None:
    path = ROOT / "docs" / name
    wanted = guarantees.documents(ROOT / "docs")[path]
    assert path.read_text("utf-8") == wanted, "run `python -m groundhog.audit.guarantees docs`"


def test_only_the_table_below_the_heading_is_replaced() -> None:
    document = "# A\n\n| no |\n\n## B\n\nProse.\n\n| old |\n| --- |\n\nMore.\n| other |\n"
    made = guarantees.renewed(document, "## B\n", "| new |\n")
    assert made == "# A\n\n| no |\n\n## B\n\nProse.\n\n| new |\n\nMore.\n| other |\n"


@pytest.mark.parametrize("document", ["| a |\n", "## B\n\nNothing.\n"])
def test_a_document_without_its_table(document: str) -> None:
    with pytest.raises(ValueError, match=r"^there is no table below '## B'$"):
        guarantees.renewed(document, "## B\n", "")
