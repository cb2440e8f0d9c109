"""A process that starts a new interpreter, and answers by a queue."""

import multiprocessing

context = multiprocessing.get_context("spawn")


def main(params):
    queue = context.SimpleQueue()
    process = context.Process(target=queue.put, args=(params["n"] * 2,))
    process.start()
    doubled = queue.get()
    process.join()
    return {"doubled": doubled, "status": process.exitcode}
