"""A limit on resources that is lowered a little more by each request."""

import resource


def main(params):
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    soft = 1 << 30 if soft == resource.RLIM_INFINITY else soft
    lower = 0 if soft == 1 else 1
    resource.setrlimit(resource.RLIMIT_CORE, (lower, hard))
    return {"soft": soft}
