"""Handlers and levels added to the root logger at each request, warnings filters, and a codec registered."""

import codecs
import io
import logging
import warnings


def main(params):
    root = logging.getLogger()
    seen = {"handlers": len(root.handlers), "level": root.level, "filters": len(warnings.filters)}
    seen["logs"] = [handler.stream.getvalue() for handler in root.handlers]
    root.addHandler(logging.StreamHandler(io.StringIO()))
    root.setLevel(10 + len(root.handlers))
    root.warning("secret %s", params["secret"])
    warnings.filterwarnings("ignore", message=params["secret"])
    codecs.register(lambda name: None)
    return seen
