"""Products, inverses and singular values, by the threads of OpenBLAS."""

import numpy as np

table = np.arange(90_000.0).reshape(300, 300) % 97 + np.eye(300) * 1000


def main(params):
    size = params["n"] * 40
    part = table[:size, :size]
    table[0, 0] += 1
    return {
        "inverse": round(float(np.linalg.inv(part).sum()), 6),
        "largest": round(float(np.linalg.svd(part)[1][0]), 3),
        "product": round(float((part @ part).trace()), 3),
    }
