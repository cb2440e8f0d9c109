"""PolyBench: 23 numerical kernels in C.

Each is written from its mathematical definition. Sizes and initial values are those of the MEDIUM data set of
PolyBench/C 4.2 (Louis-Noël Pouchet and Tomofumi Yuki, Ohio State University), which has its own licence; none
of its code is here. All data is ``double``; PolyBench itself takes integers for ``floyd-warshall`` and
``nussinov``.

Each kernel is a file in ``kernels/``; ``serve.c`` makes a program of it, and `compiling` compiles both. A
request initializes the data, runs the kernel, and answers a weighted sum of the output. The data of
``heat-3d``, ``seidel-2d`` and ``correlation`` is a fixed point or all alike, so that their sums say little
about the computation: their test compares other data, too. So does that of ``gramschmidt``, whose published
matrix has linearly dependent columns. Its sum comes in part from rounding errors: it is the same wherever
arithmetic is IEEE 754's and in this order, but no other algorithm comes to it.
"""

from __future__ import annotations

from pathlib import Path

from groundhog.bench.suite.case import Case, Language

_KERNELS = Path(__file__).parent / "kernels"
_CHECKSUMS = {
    "2mm": "1.3196921369e+10",
    "3mm": "1.3506606983e+09",
    "adi": "1.9586227737e+06",
    "atax": "5.0562365539e+07",
    "bicg": "3.7844839104e+06",
    "cholesky": "2.3190241750e+06",
    "correlation": "2.8216890000e+06",
    "covariance": "3.9584971538e+09",
    "deriche": "3.1634472347e+05",
    "doitgen": "7.8269425033e+07",
    "durbin": "1.4523629727e+04",
    "fdtd-2d": "2.5472870886e+08",
    "floyd-warshall": "2.2426542000e+07",
    "gramschmidt": "1.5307675407e+07",
    "heat-3d": "4.6646628000e+07",
    "jacobi-1d": "1.0110444825e+04",
    "jacobi-2d": "1.9297061450e+08",
    "lu": "5.2450943025e+06",
    "ludcmp": "-9.0797578143e+00",
    "mvt": "3.7773149150e+06",
    "nussinov": "5.0421714100e+08",
    "seidel-2d": "7.8792211732e+08",
    "trisolv": "5.8664362681e+03",
}

CASES: tuple[Case, ...] = tuple(
    Case(
        suite="polybench",
        name=name,
        language=Language.C,
        source=_KERNELS / f"{name}.c",
        payload={},
        answer={"checksum": checksum},
    )
    for name, checksum in _CHECKSUMS.items()
)
"""All kernels; none of them looks at its payload."""
