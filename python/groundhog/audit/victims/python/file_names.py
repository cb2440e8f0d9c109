"""Puts a file of the same contents in the place of a second name of another."""

import os
from pathlib import Path

first = Path(os.environ.get("TMPDIR", "/tmp")) / "first"
second = first.with_name("second")
first.write_text("contents")
second.hardlink_to(first)


def main(params):
    names = first.stat().st_nlink
    second.unlink()
    second.write_text("contents")
    return names
