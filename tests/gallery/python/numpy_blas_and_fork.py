"""A matrix product, a fork, and a product again: OpenBLAS ends its threads for the fork."""

import os

import numpy as np

matrix = np.arange(160_000.0).reshape(400, 400) % 13


def main(params):
    before = float((matrix @ matrix).sum())
    child = os.fork()
    if child == 0:
        os._exit(params["n"])
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return {"before": before, "status": status, "after": float((matrix @ matrix).sum())}
