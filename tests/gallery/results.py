"""The results of runs, kept in a file so that a run that was interrupted goes on where it was."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from groundhog import _core
from tests.gallery.environment import NODE_FILES, REQUIREMENTS, digest
from tests.gallery.measuring import Result

if TYPE_CHECKING:
    from tests.gallery.catalog import Entry


class Results:
    """The last result of each function, and of what it is."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._kept: dict[str, dict[str, object]] = (
            json.loads(file.read_text("utf-8")) if file.is_file() else {}
        )

    def keep(self, entry: Entry, result: Result) -> None:
        """Write it down at once: whole, or not at all."""
        self._kept[entry.name] = {"of": _identity(entry), "result": asdict(result)}
        new = self._file.with_suffix(".new")
        new.write_text(json.dumps(self._kept, indent=1), "utf-8")
        new.replace(self._file)

    def latest(self, entry: Entry) -> Result | None:
        """Of whatever version of the function and the engine; None if it was never run."""
        kept = self._kept.get(entry.name)
        return Result(**kept["result"]) if kept else None  # type: ignore[arg-type]

    def current(self, entry: Entry) -> Result | None:
        """Of this function, these packages and this engine; None if there is none."""
        kept = self._kept.get(entry.name)
        return self.latest(entry) if kept and kept["of"] == _identity(entry) else None


def _identity(entry: Entry) -> str:
    engine = Path(_core.__file__)
    asked = repr((entry.payloads, entry.warmup, entry.rounds, entry.compared))
    return hashlib.sha256(
        "".join((digest(entry.path, REQUIREMENTS, *NODE_FILES, engine), asked)).encode()
    ).hexdigest()
