"""Locale, time zone and the encoding errors of the standard streams: settings of libc and the interpreter."""

import locale
import os
import sys
import time


def main(params):
    seen = {
        "locale": locale.setlocale(locale.LC_NUMERIC),
        "zone": time.strftime("%H %Z", time.localtime(0)),
        "errors": sys.stdout.errors,
        "digits": sys.get_int_max_str_digits(),
    }
    locale.setlocale(locale.LC_NUMERIC, "C.UTF-8" if seen["locale"] == "C" else "C")
    os.environ["TZ"] = "VIC-" + params["secret"][-1:] + ":30"
    time.tzset()
    sys.stdout.reconfigure(errors="replace")
    sys.set_int_max_str_digits(sys.get_int_max_str_digits() + 1)
    return seen
