"""Put the summary of docs/evaluation.md into the README: between two marks, so that no figure is typed.

python benchmarks/summary.py
"""

from __future__ import annotations

import re
from pathlib import Path

import marks

ROOT = Path(__file__).resolve().parents[1]


def summary(page: str) -> str:
    """The machine, and the first table, of a page that `groundhog bench suite --report` wrote."""
    table = re.search(r"(?:^\|.*\n)+", page, re.MULTILINE)
    machine = re.search(r", on (.*?)\.\s", page, re.DOTALL)
    assert table is not None
    assert machine is not None
    return f"{table[0]}\nOn {' '.join(machine[1].split())}.\n"


def main() -> None:
    """Replace what stands between the marks."""
    source = "docs/evaluation.md"
    made = summary((ROOT / source).read_text("utf-8"))
    marks.write(ROOT / "README.md", source, "benchmarks/summary.py", made)


if __name__ == "__main__":
    main()
