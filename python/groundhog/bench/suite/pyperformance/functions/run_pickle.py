"""Pickles a dictionary, a tuple, and a list of dictionaries."""

from __future__ import annotations

import argparse
import pickle
from typing import Any

from groundhog.bench.suite.pyperformance.loading import benchmark

_benchmark = benchmark("pickle")
_OPTIONS = argparse.Namespace(protocol=pickle.HIGHEST_PROTOCOL)


def main(_: dict[str, Any]) -> dict[str, Any]:
    """Pickle each of them 200 times; whether it comes back."""
    _benchmark.bench_pickle(10, pickle, _OPTIONS)
    kept = pickle.loads(pickle.dumps(_benchmark.DICT_GROUP))  # noqa: S301 - our own
    return {"same": kept == _benchmark.DICT_GROUP}
