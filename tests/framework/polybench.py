"""Kernels of PolyBench in numpy, written independently of those in C: whole arrays, and numpy's solvers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    Array = np.ndarray[Any, np.dtype[np.floating[Any]]]


def weighed(array: Array) -> float:
    """What `serve.c` makes of an output, but for the order of the additions."""
    flat = array.ravel()
    return float(flat @ (1.0 + np.arange(flat.size) % 97))


def _grid(*shape: int) -> list[Array]:
    return [axis.astype(float) for axis in np.indices(shape)]


def _two_products() -> float:
    ni, nj, nk, nl = 180, 190, 210, 220
    i, k = _grid(ni, nk)
    a = (i * k + 1) % ni / ni
    i, j = _grid(nk, nj)
    b = i * (j + 1) % nj / nj
    i, j = _grid(nj, nl)
    c = (i * (j + 3) + 1) % nl / nl
    i, j = _grid(ni, nl)
    d = i * (j + 2) % nk / nk
    return weighed(1.5 * a @ b @ c + 1.2 * d)


def _three_products() -> float:
    ni, nj, nk, nl, nm = 180, 190, 200, 210, 220
    i, j = _grid(ni, nk)
    a = (i * j + 1) % ni / (5 * ni)
    i, j = _grid(nk, nj)
    b = (i * (j + 1) + 2) % nj / (5 * nj)
    i, j = _grid(nj, nm)
    c = i * (j + 3) % nl / (5 * nl)
    i, j = _grid(nm, nl)
    d = (i * (j + 2) + 2) % nk / (5 * nk)
    return weighed(a @ b @ (c @ d))


def _adi() -> float:
    steps, n = 100, 200
    i, j = _grid(n, n)
    u: Array = (i + n - j) / n
    ratio = n * n / steps

    def half(field: Array, before: float, now: float) -> Array:
        """Explicit along the first axis, implicit along the second."""
        inner = n - 2
        system = (1 + 2 * now) * np.eye(inner) - now * (np.eye(inner, k=1) + np.eye(inner, k=-1))
        right = field[1:-1] + before * (field[:-2] - 2 * field[1:-1] + field[2:])
        right = right[:, 1:-1].copy()
        right[:, [0, -1]] += now  # the edge is 1
        result = np.ones((n, n))
        result[1:-1, 1:-1] = np.linalg.solve(system, right.T).T
        return result

    for _ in range(steps):
        v = half(u.T, ratio / 2, ratio)  # a system for each column: v is transposed
        u = half(v.T, ratio, ratio / 2)
    u[[0, -1]] = (_grid(n, n)[0] + n - _grid(n, n)[1])[[0, -1]] / n  # the kernel leaves these as they were
    return weighed(u)


def _atax() -> float:
    m, n = 390, 410
    i, j = _grid(m, n)
    a = (i + j) % n / (5 * m)
    return weighed(a.T @ (a @ (1 + np.arange(n) / n)))


def _bicg() -> float:
    m, n = 390, 410
    i, j = _grid(n, m)
    a = i * (j + 1) % n / n
    return weighed(a.T @ (np.arange(n) / n)) + weighed(a @ (np.arange(m) / m))


def _positive_definite() -> Array:
    n = 400
    _, j = _grid(n, n)
    left = np.tril(1 - j / n, -1) + np.eye(n)
    product: Array = left @ left.T
    return product


def _cholesky() -> float:
    lower = np.linalg.cholesky(_positive_definite())
    return sum(weighed(row[: i + 1]) for i, row in enumerate(lower))


def _lu() -> float:
    lower = np.linalg.cholesky(_positive_definite())
    pivots = np.diag(lower)
    return weighed(np.tril(lower / pivots, -1) + pivots[:, None] * lower.T)


def _ludcmp() -> float:
    n = 400
    return weighed(np.linalg.solve(_positive_definite(), (np.arange(n) + 1) / n / 2 + 4))


def _correlation(bend: float = 0) -> float:
    i, j = _grid(260, 240)
    data = i * j / 240 + i + bend * (i * i * j % 7)
    return weighed(np.asarray(np.corrcoef(data, rowvar=False)))


def _covariance() -> float:
    i, j = _grid(260, 240)
    data: Array = i * j / 240
    data -= data.mean(axis=0)
    product: Array = data.T @ data
    return weighed(product / 259)


def _deriche() -> float:
    """Each coefficient of the filter as its definition has it, one line of the image after another."""
    i, j = _grid(720, 480)
    image = (313 * i + 991 * j) % 65536 / 65535
    alpha, decay = 0.25, np.exp(-0.25)
    gain = (1 - decay) ** 2 / (1 + 2 * alpha * decay - np.exp(2 * alpha))
    causal = (gain, gain * decay * (alpha - 1))
    anticausal = (0.0, gain * decay * (alpha + 1), -gain * decay**2)

    def one_way(field: Array, weights: tuple[float, ...]) -> Array:
        """From the first row to the last; what is before the first is zero."""
        result = np.zeros_like(field)
        for row in range(len(field)):
            for back in range(min(len(weights), row + 1)):
                result[row] += weights[back] * field[row - back]
            if row > 0:
                result[row] += 2**-alpha * result[row - 1]
            if row > 1:
                result[row] -= decay**2 * result[row - 2]
        return result

    def both_ways(field: Array) -> Array:
        return one_way(field, causal) + one_way(field[::-1], anticausal)[::-1]

    return weighed(both_ways(both_ways(image.T).T))


def _doitgen() -> float:
    r, q, p = _grid(50, 40, 60)
    s, t = _grid(60, 60)
    return weighed((r * q + p) % 60 / 60 @ (s * t % 60 / 60))


def _durbin() -> float:
    n = 400
    r = np.concatenate([[1.0], n + 1.0 - np.arange(n)])
    apart = np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
    return weighed(np.linalg.solve(r[apart], -r[1:]))


def _fdtd_2d() -> float:
    steps, nx, ny = 100, 200, 240
    i, j = _grid(nx, ny)
    ex, ey, hz = i * (j + 1) / nx, i * (j + 2) / ny, i * (j + 3) / nx
    for t in range(steps):
        ey[0] = t
        ey[1:] -= 0.5 * np.diff(hz, axis=0)
        ex[:, 1:] -= 0.5 * np.diff(hz, axis=1)
        hz[:-1, :-1] -= 0.7 * (np.diff(ex, axis=1)[:-1] + np.diff(ey, axis=0)[:, :-1])
    return weighed(ex) + weighed(ey) + weighed(hz)


def _floyd_warshall() -> float:
    i, j = _grid(500, 500)
    far = ((i + j) % 13 == 0) | ((i + j) % 7 == 0) | ((i + j) % 11 == 0)
    path = np.where(far, 999.0, i * j % 7 + 1)
    for k in range(500):
        path = np.minimum(path, path[:, k, None] + path[k])
    return weighed(path)


def _gramschmidt_of_full_rank() -> float:
    """Of small numbers, too: Q would hardly show in the sum beside a large R."""
    i, j = _grid(200, 180)
    q, r = np.linalg.qr(i * j % 200 / 200 * 0.01 + 0.001 + 0.03 * (i == j))
    signs = np.sign(np.diag(r))  # Gram and Schmidt's is the one whose diagonal is positive
    return weighed(signs[:, None] * r) + weighed(q * signs)


def _heat_3d(bend: float = 0) -> float:
    i, j, k = _grid(40, 40, 40)
    a = (i + j + 40 - k) * 10 / 40 + bend * (i * i * j % 7)
    inner = (slice(1, -1),) * 3
    for _ in range(200):
        second = sum(np.roll(a, 1, x) - 2 * a + np.roll(a, -1, x) for x in range(3))
        a[inner] += 0.125 * np.asarray(second)[inner]
    return weighed(a)


def _jacobi_1d() -> float:
    n = 400
    a, b = (np.arange(n) + 2) / n, (np.arange(n) + 3) / n
    for _ in range(100):
        b[1:-1] = 0.33333 * np.convolve(a, np.ones(3), "valid")
        a[1:-1] = 0.33333 * np.convolve(b, np.ones(3), "valid")
    return weighed(a)


def _jacobi_2d() -> float:
    n = 250
    i, j = _grid(n, n)
    a, b = (i * (j + 2) + 2) / n, (i * (j + 3) + 3) / n

    def step(old: Array, new: Array) -> None:
        around = old[:-2, 1:-1] + old[2:, 1:-1] + old[1:-1, :-2] + old[1:-1, 2:]
        new[1:-1, 1:-1] = 0.2 * (old[1:-1, 1:-1] + around)

    for _ in range(100):
        step(a, b)
        step(b, a)
    return weighed(a)


def _mvt() -> float:
    n = 400
    i, j = _grid(n, n)
    a, at = i * j % n / n, np.arange(n)
    x1 = at % n / n + a @ ((at + 3) % n / n)
    x2 = (at + 1) % n / n + a.T @ ((at + 4) % n / n)
    return weighed(x1) + weighed(x2)


def _nussinov() -> float:
    n = 500
    base = (np.arange(n) + 1) % 4
    best = np.zeros((n, n))
    for width in range(1, n):  # by length, where the kernel goes row by row
        for i in range(n - width):
            j = i + width
            pair = best[i + 1, j - 1] + (width > 1 and base[i] + base[j] == 3)
            best[i, j] = max(pair, np.max(best[i, i:j] + best[i + 1 : j + 1, j]))
    return weighed(best)


def _seidel_2d(bend: float) -> float:
    """Of two steps: it cannot be written without a loop over cells."""
    n = 400
    i, j = _grid(n, n)
    a = ((i * (j + 2) + 2) / n + bend * (i * i * j % 7)).tolist()
    for _ in range(2):
        for row in range(1, n - 1):
            above, own, below = a[row - 1], a[row], a[row + 1]
            for x in range(1, n - 1):
                block = slice(x - 1, x + 2)
                own[x] = sum(above[block] + own[block] + below[block]) / 9
    return weighed(np.array(a))


def _trisolv() -> float:
    n = 400
    i, j = _grid(n, n)
    return weighed(np.linalg.solve(np.tril((i + n - j + 1) * 2 / n), np.arange(n, dtype=float)))


REFERENCES: dict[str, Callable[[], float]] = {
    "2mm": _two_products,
    "3mm": _three_products,
    "adi": _adi,
    "atax": _atax,
    "bicg": _bicg,
    "cholesky": _cholesky,
    "correlation": _correlation,
    "covariance": _covariance,
    "deriche": _deriche,
    "doitgen": _doitgen,
    "durbin": _durbin,
    "fdtd-2d": _fdtd_2d,
    "floyd-warshall": _floyd_warshall,
    "heat-3d": _heat_3d,
    "jacobi-1d": _jacobi_1d,
    "jacobi-2d": _jacobi_2d,
    "lu": _lu,
    "ludcmp": _ludcmp,
    "mvt": _mvt,
    "nussinov": _nussinov,
    "trisolv": _trisolv,
}

BENT: dict[str, tuple[dict[str, str], Callable[[], float]]] = {
    "correlation": ({"/ COLUMNS + i": "/ COLUMNS + i + i * i * j % 7"}, lambda: _correlation(1)),
    "gramschmidt": (
        {"* 100.0 + 10.0": "* 0.01 + 0.001 + 0.03 * (i == j)", "N = 240": "N = 180"},
        _gramschmidt_of_full_rank,
    ),
    "heat-3d": ({"* 10.0 / N": "* 10.0 / N + i * i * j % 7"}, lambda: _heat_3d(1)),
    "seidel-2d": (
        {"+ 2.0) / N": "+ 2.0) / N + i * i * j % 7", "STEPS = 100": "STEPS = 2"},
        lambda: _seidel_2d(1),
    ),
}
"""Kernels whose published data cannot tell a wrong result: a fixed point, all alike, or, for ``gramschmidt``,
not of full rank. What to replace in their source for other data, and what comes out then.
"""
