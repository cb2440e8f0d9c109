"""A loop that Numba compiles at its first call, and one in parallel."""

import numba
import numpy as np


@numba.njit
def total(count):
    result = 0
    for number in range(count):
        result += number * number % 7
    return result


@numba.njit(parallel=True)
def doubled(numbers):
    result = np.empty_like(numbers)
    for at in numba.prange(len(numbers)):
        result[at] = numbers[at] * 2
    return result


def main(params):
    return {"total": total(params["n"] * 1000), "doubled": doubled(np.arange(params["n"])).tolist()}
