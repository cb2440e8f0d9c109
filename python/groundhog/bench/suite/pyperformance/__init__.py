"""Twenty-two functions after Python's own benchmark programs (PyPI ``pyperformance``, MIT licence).

None of its code is here: `loading` finds the programs in the installed package, and each function in
``functions/`` does one unit of their work a request. Sizes are the programs' own, or smaller where a request
would take about a second or more: ``fannkuch``, ``mdp``, ``raytrace``, ``scimark``. ``version`` needs no
program.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from groundhog.bench.suite.pyperformance.cases import CASES

__all__ = ["CASES"]


def __getattr__(name: str) -> Any:
    # Functions import `loading` from here, and what describes them is no part of their process.
    if name != "CASES":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from groundhog.bench.suite.pyperformance import cases

    return cases.CASES
