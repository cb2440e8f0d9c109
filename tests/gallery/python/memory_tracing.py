"""Allocations that are traced, and objects that the collector no longer looks at."""

import gc
import tracemalloc

tracemalloc.start()
gc.freeze()
kept = []


class Node:
    def __init__(self, number):
        self.number, self.other = number, self


def main(params):
    kept.extend(Node(number) for number in range(params["n"] * 100))
    traced = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(True, __file__)])
    collected = len([Node(0) for _ in range(10)]) and gc.collect()
    return {"kept": len(kept), "traced": bool(traced.traces), "collected": collected >= 10}
