"""Recursion to the limit, whose failure leaves a traceback that keeps every frame alive."""

import sys

last = None


def dive(secret, depth):
    own = secret + str(depth)
    return dive(own[:8], depth + 1)


def main(params):
    global last
    seen = None
    if last is not None:
        frames = 0
        trace = last.__traceback__
        while trace is not None:
            frames += 1
            trace = trace.tb_next
        seen = frames
    sys.setrecursionlimit(3000)
    try:
        dive(params["secret"], 0)
    except RecursionError as error:
        last = error
    return {"frames": seen}
