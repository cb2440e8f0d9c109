"""The action of a signal set behind the interpreter's back: what it knows of its handlers does not change."""

import ctypes
import signal

libc = ctypes.CDLL(None)
libc.signal.restype = ctypes.c_void_p
libc.signal.argtypes = (ctypes.c_int, ctypes.c_void_p)


def is_ignored(number):
    with open("/proc/self/status") as status:
        mask = next(line.split()[1] for line in status if line.startswith("SigIgn:"))
    return bool(int(mask, 16) >> (number - 1) & 1)


def main(params):
    seen = {
        "known": signal.getsignal(signal.SIGUSR2) is signal.SIG_DFL,
        "ignored": is_ignored(signal.SIGUSR2),
    }
    libc.signal(signal.SIGUSR2, 1)
    return seen
