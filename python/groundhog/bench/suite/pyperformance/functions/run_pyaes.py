"""Encrypts and decrypts a text with AES, in Python alone."""

from __future__ import annotations

import zlib
from typing import Any

from groundhog.bench.suite.pyperformance.loading import benchmark

_benchmark = benchmark("crypto_pyaes")


def main(_: dict[str, Any]) -> dict[str, Any]:
    """Encrypt and decrypt 23 kB; the checksum of what is secret, and whether the text comes back."""
    secret = _benchmark.pyaes.AESModeOfOperationCTR(_benchmark.KEY).encrypt(_benchmark.CLEARTEXT)
    plain = _benchmark.pyaes.AESModeOfOperationCTR(_benchmark.KEY).decrypt(secret)
    return {"crc": zlib.crc32(secret), "same": plain == _benchmark.CLEARTEXT}
