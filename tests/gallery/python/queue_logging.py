"""Log records that a thread of the load time writes."""

import io
import logging
import logging.handlers
import queue

records = queue.Queue()
written = io.StringIO()
listener = logging.handlers.QueueListener(records, logging.StreamHandler(written))
listener.start()
logger = logging.getLogger("orders")
logger.addHandler(logging.handlers.QueueHandler(records))


def main(params):
    logger.warning("order %d", params["n"])
    records.join()  # a queue that the listener has emptied
    return {"lines": written.getvalue().splitlines()}
