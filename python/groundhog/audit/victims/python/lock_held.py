"""Locks that a request took and never gave back, and a semaphore that it counted down."""

import threading

lock = threading.Lock()
again = threading.RLock()
places = threading.Semaphore(10_000)


def main(params):
    seen = {
        "lock": lock.locked(),
        "again": repr(again).split("count=")[1].split(" ")[0],
        "places": places._value,
    }
    lock.acquire(blocking=False)
    again.acquire()
    places.acquire()
    return seen
