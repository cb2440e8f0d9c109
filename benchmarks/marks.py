"""What is measured stands in pages between two marks, so that no figure is typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

END = "<!-- Its end. -->\n"


def write(page: Path, source: str, by: str, made: str) -> None:
    """Replace what stands between the marks of a page.

    Args:
        page: has them.
        source: what it was made from, as the first mark names it.
        by: what made it, likewise.
        made: whole lines.
    """
    begin = f"<!-- From {source}, by {by}. -->\n"
    before, found, rest = page.read_text("utf-8").partition(begin)
    _, ended, after = rest.partition(END)
    assert found, f"{page} has no line {begin}"
    assert ended, f"{page} has no line {END}"
    page.write_text(f"{before}{begin}{made}{END}{after}", "utf-8")
