"""Twenty-two functions after the benchmark programs of Python (PyPI ``pyperformance``, MIT licence).

The programs are imported from the installed package, and each function does one unit of their work a request.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from groundhog.bench.suite.case import Case, Language

_FUNCTIONS = Path(__file__).parent / "functions"
_ANSWERS: dict[str, dict[str, Any]] = {
    "chaos": {"crc": 32466318},
    "logging": {"characters": 51000},
    "pyaes": {"crc": 733594350, "same": True},
    "spectral_norm": {"norm": "1.274219991"},
    "deltablue": {"solved": 50},
    "go": {"move": 3},
    "mdp": {"chance": "0.717880"},
    "pyflate": {"md5": "afa004a630fe072901b1d9628b960974"},
    "telco": {"crc": 1808370995},
    "hexiom": {"solved": 25},
    "nbody": {"energy": "-0.169012107"},
    "raytrace": {"crc": 3669900981},
    "unpack_sequence": {"unpacked": 160000},
    "fannkuch": {"most_flips": 22},
    "json_dumps": {"length": 314000},
    "pickle": {"same": True},
    "richards": {"right": True},
    "version": {"version": list(sys.version_info[:2])},
    "float": {"point": "0.894403730 1.000000000 0.447200189"},
    "json_loads": {"same": True},
    "pidigits": {"digits": "6766940513"},
    "scimark": {"diagonal": "1.277580772", "spectrum": "2206.260116303", "pi": "3.1624"},
}

CASES = tuple(
    Case("pyperformance", name, Language.PYTHON, _FUNCTIONS / f"run_{name}.py", {}, answer)
    for name, answer in _ANSWERS.items()
)
"""In the order of the published evaluation."""
