"""What the functions are asked, and what they have to answer."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from groundhog.bench.suite.case import Case, Language

_FUNCTIONS = Path(__file__).parent / "functions"
_PACKAGES = {"pyaes": ("pyperformance", "pyaes"), "version": ()}
"""Of those that need something else than pyperformance."""
_ANSWERS: dict[str, dict[str, Any]] = {
    "chaos": {"crc": 2559252561},
    "logging": {"crc": 917011746},
    "pyaes": {"crc": 733594350, "same": True},
    "spectral_norm": {"norm": "1.274222210"},
    "deltablue": {"wrong": [], "mark": 208},
    "go": {"move": 5, "next": 96507},
    "mdp": {"chance": "0.757234598", "states": 1068},
    "pyflate": {"md5": "afa004a630fe072901b1d9628b960974"},
    "telco": {"calls": 5000, "crc": 1808370995},
    "hexiom": {"crc": 2715636256, "right": True},
    "nbody": {"energy": "-0.169089263"},
    "raytrace": {"crc": 3669900981},
    "unpack_sequence": {"unpacked": 400000},
    "fannkuch": {"most_flips": 22},
    "json_dumps": {"crc": [2745614147, 3661161732, 180009196, 1082665724]},
    "pickle": {"crc": 2823921735},
    "richards": {"right": True, "queued": 23246, "held": 9297},
    "version": {"version": list(sys.version_info[:2])},
    "float": {"point": "0.894427189 1.000000000 0.447213595"},
    "json_loads": {"crc": 959927616},
    "pidigits": {"digits": "4780275900", "crc": 1240190025},
    "scimark": {"sums": ["2206.26011630", "767.10649929", "1.27758077", "41802.13579585", "3.16040000"]},
}

CASES: tuple[Case, ...] = tuple(
    Case(
        suite="pyperformance",
        name=name,
        language=Language.PYTHON,
        source=_FUNCTIONS / f"run_{name}.py",
        payload={},
        answer=answer,
        packages=_PACKAGES.get(name, ("pyperformance",)),
    )
    for name, answer in _ANSWERS.items()
)
"""In the order of the published evaluation; none of them looks at its payload."""
