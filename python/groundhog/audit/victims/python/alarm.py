"""A timer of the process that is set and not taken back."""

import signal

signal.signal(signal.SIGALRM, signal.SIG_IGN)


def main(params):
    left, interval = signal.getitimer(signal.ITIMER_REAL)
    signal.setitimer(signal.ITIMER_REAL, 10_000, 5_000)
    return {"set": left > 0, "interval": interval}
