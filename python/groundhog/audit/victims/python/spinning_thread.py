"""A thread that blocks every signal, never waits, and writes what the request said as fast as it can."""

import signal
import threading

written = [None] * 3
started = 0


def spin(secret, ready):
    signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
    while True:
        written[:] = [secret] * 3
        ready.set()


def main(params):
    global started
    seen = {"written": [item is not None for item in written], "started": started}
    if started < 3:
        ready = threading.Event()
        threading.Thread(target=spin, args=(params["secret"], ready), daemon=True).start()
        ready.wait()
        started += 1
    return seen
