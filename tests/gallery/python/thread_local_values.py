"""Threads of a request that keep values of their own, a barrier and a condition."""

import threading

local = threading.local()
condition = threading.Condition()
arrived = []


def work(number, barrier):
    local.number = number
    barrier.wait()
    with condition:
        arrived.append(local.number)
        condition.notify_all()


def main(params):
    n = params["n"]
    barrier = threading.Barrier(n)
    threads = [threading.Thread(target=work, args=(number, barrier)) for number in range(n)]
    for thread in threads:
        thread.start()
    with condition:
        condition.wait_for(lambda: len(arrived) >= n, timeout=10)
    for thread in threads:
        thread.join()
    return {"arrived": sorted(arrived), "own": hasattr(local, "number")}
