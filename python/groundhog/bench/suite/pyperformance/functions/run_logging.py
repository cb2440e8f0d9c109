"""Writes formatted messages to a log in memory."""

from __future__ import annotations

import io
import logging
import zlib
from typing import Any

from groundhog.bench.suite.pyperformance.loading import benchmark

_benchmark = benchmark("logging")
_stream = io.StringIO()
_logger = logging.getLogger("benchmark")
_logger.propagate = False
_logger.addHandler(logging.StreamHandler(_stream))
_logger.setLevel(logging.WARNING)


def main(_: dict[str, Any]) -> dict[str, Any]:
    """Log a thousand messages; the checksum of the log."""
    _benchmark.bench_formatted_output(100, _logger, _stream)  # it empties the log first
    return {"crc": zlib.crc32(_stream.getvalue().encode())}
