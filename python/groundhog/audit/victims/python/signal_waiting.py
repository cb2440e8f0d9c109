"""A signal sent while it was blocked, which waits for whoever unblocks it."""

import signal
import threading

signal.signal(signal.SIGUSR1, signal.SIG_DFL)


def main(params):
    seen = {
        "waiting": [number.name for number in signal.sigpending()],
        "blocked": len(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
    }
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)
    return seen
