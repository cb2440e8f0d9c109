"""Random numbers of the module, and of a generator of the load time, which a hook seeds anew."""

import random

from snapshot_restore_py import register_after_restore

generator = random.Random()
register_after_restore(generator.seed)


def main(params):
    return {
        "module": [random.random() for _ in range(params["n"] % 2 + 1)],
        "own": generator.getrandbits(64),
        "shuffled": random.sample(range(10**9), 3),
    }
