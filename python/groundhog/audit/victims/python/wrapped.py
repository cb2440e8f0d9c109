"""Functions of the library wrapped so that name, module and documentation look as before."""

import builtins
import functools
import json

heard = []


def wrap(function, secret):
    @functools.wraps(function)
    def wrapped(*arguments, **options):
        heard.append(secret)
        return function(*arguments, **options)

    del wrapped.__wrapped__
    return wrapped


def main(params):
    heard.clear()
    sorted(["a"])
    json.loads("1")
    seen = {
        "sorted": builtins.sorted.__name__,
        "loads": json.loads.__module__,
        "heard": list(heard),
    }
    builtins.sorted = wrap(builtins.sorted, params["secret"])
    json.loads = wrap(json.loads, params["secret"])
    return seen
