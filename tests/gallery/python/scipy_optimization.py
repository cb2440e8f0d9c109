"""A minimum, an integral and a sparse system of equations."""

import numpy as np
from scipy import integrate, optimize, sparse
from scipy.sparse.linalg import spsolve


def main(params):
    n = params["n"]
    found = optimize.minimize(lambda at: (at[0] - n) ** 2 + (at[1] - 2) ** 2, [0, 0])
    area, _ = integrate.quad(np.sin, 0, np.pi)
    system = sparse.diags_array([-1.0, 4.0, -1.0], offsets=[-1, 0, 1], shape=(n * 50, n * 50)).tocsc()
    return {
        "minimum": [round(float(value), 2) for value in found.x],
        "area": round(area, 6),
        "solution": round(float(spsolve(system, np.ones(n * 50)).sum()), 6),
    }
