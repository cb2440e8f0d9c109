"""Objects that stay: many small ones, a large buffer, cycles; and the count of live objects and arenas."""

import gc
import sys

kept = []


class Node:
    def __init__(self, secret):
        self.me = self
        self.secret = secret


def main(params):
    seen = {"kept": len(kept), "nodes": sum(isinstance(o, Node) for o in gc.get_objects())}
    kept.append(bytearray(params["secret"].encode() * 200_000))
    kept.append([params["secret"] + str(i) for i in range(20_000)])
    for _ in range(100):
        Node(params["secret"])
    return seen
