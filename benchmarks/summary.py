"""Put the summary of docs/evaluation.md into the README: between two marks, so that no figure is typed.

python benchmarks/summary.py
"""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BEGIN, END = "<!-- From docs/evaluation.md, by benchmarks/summary.py. -->\n", "<!-- Its end. -->\n"


def summary(page: str) -> str:
    """The machine, and the first table, of a page that `groundhog bench suite --report` wrote."""
    table = re.search(r"(?:^\|.*\n)+", page, re.MULTILINE)
    machine = re.search(r", on (.*?)\.\s", page, re.DOTALL)
    assert table is not None
    assert machine is not None
    return f"{table[0]}\nOn {' '.join(machine[1].split())}.\n"


def main() -> None:
    """Replace what stands between the marks."""
    readme = ROOT / "README.md"
    before, found, rest = readme.read_text("utf-8").partition(BEGIN)
    _, ended, after = rest.partition(END)
    assert found
    assert ended
    made = summary((ROOT / "docs/evaluation.md").read_text("utf-8"))
    readme.write_text(f"{before}{BEGIN}{made}{END}{after}", "utf-8")


if __name__ == "__main__":
    main()
