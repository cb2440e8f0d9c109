"""A daemon: it forks twice, leaves its session, closes everything and ignores every signal it may."""

import os
import signal

LIMIT = 5
started = 0


def become_daemon(ready):
    os.setsid()
    if os.fork() != 0:
        os._exit(0)
    for number in range(1, 32):
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(number, signal.SIG_IGN)
    os.write(ready, b"!")
    os.closerange(0, 64)
    while True:
        signal.pause()


def main(params):
    global started
    seen = {"started": started}
    if started < LIMIT:
        waiting, ready = os.pipe()
        child = os.fork()
        if child == 0:
            become_daemon(ready)
        os.waitpid(child, 0)
        os.read(waiting, 1)
        os.close(waiting)
        os.close(ready)
        started += 1
    return seen
