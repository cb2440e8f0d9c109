"""Pickles a dictionary, a tuple, and a list of dictionaries."""

from __future__ import annotations

import argparse
import pickle
import zlib
from typing import Any

from groundhog.bench.suite.pyperformance.loading import benchmark

_benchmark = benchmark("pickle")
_OPTIONS = argparse.Namespace(protocol=pickle.HIGHEST_PROTOCOL)
_OBJECTS = (_benchmark.DICT, _benchmark.TUPLE, _benchmark.DICT_GROUP)


def main(_: dict[str, Any]) -> dict[str, Any]:
    """Pickle each of them 200 times; the checksum of what comes back."""
    _benchmark.bench_pickle(10, pickle, _OPTIONS)
    again = pickle.loads(pickle.dumps(_OBJECTS, _OPTIONS.protocol))  # noqa: S301 - our own
    return {"crc": zlib.crc32(repr(again).encode())}
