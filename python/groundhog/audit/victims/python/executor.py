"""An executor whose idle thread was there at the start: its thread-locals, and tasks queued for after the answer."""

import concurrent.futures
import threading

pool = concurrent.futures.ThreadPoolExecutor(max_workers=1)
local = threading.local()
ran = []
pool.submit(int).result()


def visit(secret):
    before = getattr(local, "secret", None)
    local.secret = secret
    return before


def main(params):
    seen = {"local": pool.submit(visit, params["secret"]).result(), "ran": len(ran)}
    later = [pool.submit(ran.append, params["secret"]) for _ in range(100)]
    later[0].result()
    return seen
