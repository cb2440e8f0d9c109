"""Random numbers of NumPy: those of the module, and of a generator of the load time, which a hook renews."""

import numpy as np
from snapshot_restore_py import register_after_restore

generator = np.random.default_rng()


@register_after_restore
def renew():
    global generator
    generator = np.random.default_rng()


def main(params):
    return {
        "module": float(np.random.random()),  # noqa: NPY002 - as many functions do
        "own": float(generator.random()),
        "fresh": np.random.default_rng().integers(2**62, size=params["n"] % 2 + 1).tolist(),
    }
