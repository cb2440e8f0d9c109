"""Decompresses a bzip2 archive, in Python alone."""

from __future__ import annotations

import hashlib
import io
from typing import Any

from groundhog.bench.suite.pyperformance.loading import benchmark, folder

_benchmark = benchmark("pyflate")
_ARCHIVE = (folder("pyflate") / "data" / "interpreter.tar.bz2").read_bytes()


def main(_: dict[str, Any]) -> dict[str, Any]:
    """Decompress it; the sum that its program expects."""
    field = _benchmark.RBitfield(io.BytesIO(_ARCHIVE))
    field.readbits(16)  # "BZ"
    return {"md5": hashlib.md5(_benchmark.bzip2_main(field), usedforsecurity=False).hexdigest()}
