"""A handler of the load time, alarms, and a handler that the request sets."""

import signal

caught = []
signal.signal(signal.SIGALRM, lambda number, _: caught.append(signal.Signals(number).name))


def main(params):
    before = signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL
    signal.signal(signal.SIGUSR1, lambda number, _: caught.append(signal.Signals(number).name))
    signal.raise_signal(signal.SIGUSR1)
    signal.setitimer(signal.ITIMER_REAL, 0.002)
    while "SIGALRM" not in caught:
        signal.pause()
    signal.setitimer(signal.ITIMER_REAL, 3600)
    return {"default": before, "caught": caught[: params["n"]]}
