"""A timer of the process, set by a thread that ends at once."""

import signal
import threading

signal.signal(signal.SIGVTALRM, signal.SIG_IGN)


def main(params):
    left, _ = signal.getitimer(signal.ITIMER_VIRTUAL)
    thread = threading.Thread(target=signal.setitimer, args=(signal.ITIMER_VIRTUAL, 10_000))
    thread.start()
    thread.join()
    return {"set": left > 0}
