"""Computes digits of pi with large integers."""

from __future__ import annotations

import zlib
from typing import Any

from groundhog.bench.suite.pyperformance.loading import benchmark

_benchmark = benchmark("pidigits")


def main(_: dict[str, Any]) -> dict[str, Any]:
    """Compute 2,000 digits; the last ten, and the checksum of all."""
    digits = "".join(map(str, _benchmark.calc_ndigits(2000)))
    return {"digits": digits[-10:], "crc": zlib.crc32(digits.encode())}
