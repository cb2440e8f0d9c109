"""A child that lowers a limit of its parent, by its process id, and is gone when the answer is out."""

import os
import resource


def main(params):
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    soft = 1 << 30 if soft == resource.RLIM_INFINITY else soft
    child = os.fork()
    if child == 0:
        resource.prlimit(os.getppid(), resource.RLIMIT_CORE, (0 if soft == 1 else 1, hard))
        os._exit(0)
    os.waitpid(child, 0)
    return {"soft": soft}
