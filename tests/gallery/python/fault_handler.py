"""Tracebacks of crashes, and a thread that dumps them later."""

import faulthandler
import tempfile

log = tempfile.TemporaryFile("w+")
faulthandler.enable(log)
faulthandler.dump_traceback_later(3600, file=log)


def main(params):
    for _ in range(params["n"]):
        faulthandler.dump_traceback(log, all_threads=False)
    log.seek(0)
    return {"dumps": log.read().count("most recent call first")}
