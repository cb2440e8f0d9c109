"""Handlers of signals, one of which was ignored before, and a signal that waits behind a mask for a while."""

import signal

got = []


def main(params):
    secret = params["secret"]
    seen = {
        "first": signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL,
        "second": signal.getsignal(signal.SIGPIPE) is signal.SIG_IGN,
        "got": len(got),
    }
    signal.signal(signal.SIGUSR1, lambda number, frame: got.append(secret))
    signal.signal(signal.SIGPIPE, lambda number, frame: got.append(secret))
    signal.raise_signal(signal.SIGUSR1)
    return seen
