"""Threads started and ended within a request: an executor that is shut down, and the names that threads get."""

import concurrent.futures
import threading


def main(params):
    with concurrent.futures.ThreadPoolExecutor(max_workers=3) as pool:
        lengths = list(pool.map(len, [params["secret"]] * 10))
    thread = threading.Thread(target=lengths.clear)
    thread.start()
    thread.join()
    # Thread-1, Thread-2, ...: the number is process state.
    return {"name": thread.name.split(" ")[0]}
