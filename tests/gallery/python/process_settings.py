"""Environment, working directory, masks and limits that the request changes."""

import locale
import os
import resource
import tempfile


def main(params):
    found = {
        "variable": os.environ.get("GALLERY_CUSTOMER"),
        "moved": os.getcwd() == tempfile.gettempdir(),
        "mask": os.umask(0o77 - params["n"]),
        "files": resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 500 + params["n"],
        "locale": locale.setlocale(locale.LC_NUMERIC),
        "nice": os.nice(0) > 0,
    }
    os.environ["GALLERY_CUSTOMER"] = str(params["n"])
    os.chdir(tempfile.gettempdir())
    resource.setrlimit(
        resource.RLIMIT_NOFILE, (500 + params["n"], resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    )
    locale.setlocale(locale.LC_NUMERIC, "C.UTF-8")
    return found
