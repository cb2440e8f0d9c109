"""A thread left running, and thread-local and context variables that keep a secret."""

import contextvars
import threading
import time

local = threading.local()
context = contextvars.ContextVar("context", default=None)
scribbled = []


def scribble(secret, ready):
    while True:
        scribbled.append(secret)
        del scribbled[:-10]
        ready.set()
        time.sleep(0.001)


def main(params):
    seen = {
        "threads": threading.active_count(),
        "local": getattr(local, "secret", None),
        "context": context.get(),
        "scribbled": bool(scribbled),
    }
    local.secret = params["secret"]
    context.set(params["secret"])
    if threading.active_count() < 20:
        ready = threading.Event()
        threading.Thread(target=scribble, args=(params["secret"], ready), daemon=True).start()
        ready.wait()
    return seen
