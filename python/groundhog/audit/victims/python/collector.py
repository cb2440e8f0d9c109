"""The collector's callbacks, thresholds and garbage, finalizers, and functions to be called at exit."""

import atexit
import gc
import weakref


class Thing:
    pass


kept = []


def main(params):
    secret = params["secret"]
    seen = {
        "callbacks": len(gc.callbacks),
        "threshold": gc.get_threshold(),
        "enabled": gc.isenabled(),
        "garbage": len(gc.garbage),
        "at exit": atexit._ncallbacks(),
        "kept": len(kept),
    }
    gc.callbacks.append(lambda phase, info: kept.append(secret))
    gc.set_threshold(gc.get_threshold()[0] + 1)
    gc.disable()
    gc.garbage.append(secret)
    atexit.register(kept.append, secret)
    thing = Thing()
    weakref.finalize(thing, kept.append, secret)
    del thing
    gc.collect()
    return seen
