"""What the process registered for membarrier(2), by a thread that a request starts: for ever."""

import ctypes
import threading

SYS_MEMBARRIER, EXPEDITED, REGISTER = 324, 1 << 3, 1 << 4

libc = ctypes.CDLL(None, use_errno=True)


def main(params):
    # An expedited barrier needs a registration.
    passes = libc.syscall(SYS_MEMBARRIER, EXPEDITED, 0, 0) == 0
    thread = threading.Thread(target=libc.syscall, args=(SYS_MEMBARRIER, REGISTER, 0, 0))
    thread.start()
    thread.join()
    return {"passes": passes}
