"""A process that a server forks, which gets descriptors of its parent."""

import multiprocessing

context = multiprocessing.get_context("forkserver")


def main(params):
    queue = context.SimpleQueue()
    process = context.Process(target=queue.put, args=(params["n"] * 2,))
    process.start()
    doubled = queue.get()
    process.join()
    return {"doubled": doubled, "status": process.exitcode}
