"""What real functions leaked through: a module-level list, a default argument, a memo, an attribute of a function."""

import functools

findings = []


@functools.lru_cache(maxsize=None)
def profile(name):
    return {"name": name}


def collect(item, into=[]):
    into.append(item)
    return list(into)


def main(params):
    secret = params["secret"]
    seen = {
        "findings": list(findings),
        "memo": profile.cache_info().currsize,
        "last": getattr(main, "last", None),
        "collected": collect(secret)[:-1],
    }
    findings.append(secret)
    profile(secret)
    main.last = secret
    return seen
