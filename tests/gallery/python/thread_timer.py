"""A timer of the load time that goes off in a request, and ends its thread with it."""

import threading

rung = threading.Event()
may_ring = threading.Event()
rings = []


def ring():
    may_ring.wait()
    rings.append("rung")
    rung.set()


timer = threading.Timer(0.01, ring)
timer.start()


def main(params):
    may_ring.set()
    timer.join(10)
    return {"rings": rings * params["n"], "rung": rung.is_set()}
