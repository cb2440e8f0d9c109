"""Functions of the C library, one of which calls back into Python."""

import ctypes

library = ctypes.CDLL(None, use_errno=True)
Compare = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))
calls = []


@Compare
def descending(left, right):
    calls.append(1)
    return right[0] - left[0]


def main(params):
    numbers = (ctypes.c_int * params["n"])(*range(params["n"]))
    library.qsort(numbers, len(numbers), ctypes.sizeof(ctypes.c_int), descending)
    return {"sorted": list(numbers), "calls": len(calls)}
