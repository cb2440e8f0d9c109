"""Pickled objects in a database of the standard library."""

import shelve
import tempfile
from pathlib import Path

FILE = str(Path(tempfile.mkdtemp()) / "shelf")


def main(params):
    with shelve.open(FILE) as shelf:
        before = sorted(shelf)
        for number in range(params["n"]):
            shelf[f"customer {number}"] = {"number": number, "orders": [number] * number}
        return {"before": before, "orders": {key: shelf[key]["orders"] for key in sorted(shelf)}}
