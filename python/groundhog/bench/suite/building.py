"""The functions of all suites, and what has to be made before they can be measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from groundhog.bench.suite import faasprofiler, polybench, pyperformance
from groundhog.bench.suite.case import Case, Language
from groundhog.bench.suite.faasprofiler import installing
from groundhog.bench.suite.polybench import compiling
from groundhog.config import Function

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

CASES = (*pyperformance.CASES, *polybench.CASES, *faasprofiler.CASES)
SUITES = ("pyperformance", "polybench", "faasprofiler")


@dataclass(frozen=True, slots=True)
class Ready:
    """A function of the suite that can be started."""

    case: Case
    function: Function
    source: Path
    """Its file; of C, the program."""
    module: Path | None = None
    """The same as WebAssembly, where that was asked for."""


def cases(wanted: Iterable[str] = ()) -> list[Case]:
    """Return the functions of all suites, or those that are wanted.

    Args:
        wanted: names of suites, of functions (``nbody``), or of both (``pyperformance/nbody``).

    Raises:
        LookupError: one is no such name.
    """
    names = set(wanted)
    unknown = names - {name for case in CASES for name in (case.suite, case.name, case.id)}
    if unknown:
        raise LookupError(f"the suite has no function {min(unknown)!r}")
    return [case for case in CASES if not names or {case.suite, case.name, case.id} & names]


def prepare(case: Case, cache: Path, *, with_module: bool = False) -> Ready:
    """Make a function ready to be started.

    Args:
        case: the function.
        cache: where what is made is kept.
        with_module: of C: compile it for WebAssembly, too.

    Raises:
        ConfigError: what it needs is missing; it says how to get it.
    """
    if case.language is Language.C:
        program = compiling.build(case, cache)
        module = compiling.build_wasm(case, cache) if with_module else None
        function = Function.from_command([program], ack="require")
        return Ready(case, function, program, module)
    source = case.source
    if case.language is Language.NODE:
        source = installing.install(cache) / source.name
    return Ready(case, Function.from_file(source), source)
