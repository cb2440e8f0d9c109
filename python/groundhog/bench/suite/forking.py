"""A program that forks for each request: the oldest way to keep requests of a warm Python function apart.

It loads the function once. Each child answers one request, with the memory that the first process has loaded;
nobody reverts anything. Started as ``python forking.py FILE``; speaks ActionLoop.
"""

from __future__ import annotations

import gc
import importlib.util
import json
import os
import sys
from typing import Any

_ANSWERS = 3


def _say(value: Any) -> None:
    rest = memoryview(json.dumps(value).encode() + b"\n")
    while rest:
        rest = rest[os.write(_ANSWERS, rest) :]


def main(path: str) -> None:
    """Serve the function in a file until nobody asks any more."""
    spec = importlib.util.spec_from_file_location("forked", path)
    assert spec is not None  # noqa: S101 - it is a file of Python
    assert spec.loader is not None  # noqa: S101
    module = importlib.util.module_from_spec(spec)
    sys.modules["forked"] = module
    spec.loader.exec_module(module)
    gc.freeze()  # as whoever forks is advised to: else each collection of a child copies all pages
    _say({"ok": True})
    for line in sys.stdin:
        child = os.fork()
        if not child:
            _say(module.main(json.loads(line)["value"]))
            os._exit(0)
        os.waitpid(child, 0)


if __name__ == "__main__":
    main(sys.argv[1])
