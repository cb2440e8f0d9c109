"""Computes prices and taxes of telephone calls with decimal numbers."""

from __future__ import annotations

import io
import types
import zlib
from typing import Any

from groundhog.bench.suite.pyperformance.loading import benchmark, folder

_benchmark = benchmark("telco")
_FILE = str(folder("telco") / "data" / "telco-bench.b")
_bills: list[int] = []


class _Output(io.StringIO):
    """Notes the checksum of what is written, when the program forgets it."""

    def truncate(self, size: int | None = None) -> int:
        """Forget all."""
        _bills.append(zlib.crc32(self.getvalue().encode()))
        return super().truncate(size)


_benchmark.io = types.SimpleNamespace(BytesIO=io.BytesIO, StringIO=_Output)


def main(_: dict[str, Any]) -> dict[str, Any]:
    """Bill 5,000 calls; the checksum of the bills."""
    _bills.clear()
    _benchmark.bench_telco(1, _FILE)
    return {"crc": _bills[0]}
