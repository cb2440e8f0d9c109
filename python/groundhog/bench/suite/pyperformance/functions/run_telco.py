"""Computes prices and taxes of telephone calls with decimal numbers."""

from __future__ import annotations

import io
import types
import zlib
from typing import Any

from groundhog.bench.suite.pyperformance.loading import benchmark, folder

_benchmark = benchmark("telco")
_CALLS = (folder("telco") / "data" / "telco-bench.b").read_bytes()
_bills: list[str] = []


class _Bills(io.StringIO):
    """Keeps what is written when the program empties it."""

    def truncate(self, size: int | None = None) -> int:
        """Empty it."""
        _bills.append(self.getvalue())
        return super().truncate(size)


_benchmark.open = lambda *_: io.BytesIO(_CALLS)
_benchmark.io = types.SimpleNamespace(BytesIO=io.BytesIO, StringIO=_Bills)


def main(_: dict[str, Any]) -> dict[str, Any]:
    """Bill 5,000 calls; the checksum of the bills."""
    _bills.clear()
    _benchmark.bench_telco(1, "the calls")
    return {"calls": _bills[0].count("\n"), "crc": zlib.crc32(_bills[0].encode())}
