"""A thread of the start ended, and another one put in its place, with its name, its work and the lock it waits for."""

import threading

stop = threading.Event()
secrets = []


def work(event):
    event.wait()


worker = threading.Thread(target=work, args=(stop,), name="worker", daemon=True)
worker.start()


def main(params):
    global worker, stop
    seen = {"secrets": len(secrets), "threads": threading.active_count()}
    stop.set()
    worker.join()
    stop = threading.Event()
    worker = threading.Thread(target=work, args=(stop,), name="worker", daemon=True)
    worker.start()
    secrets.append(params["secret"])
    return seen
