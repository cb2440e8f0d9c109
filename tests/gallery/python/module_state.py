"""A cache, a context of decimal numbers, a default argument and a lazy import, as modules keep them."""

import contextvars
import decimal
import functools
import sys

customer = contextvars.ContextVar("customer", default=None)


@functools.lru_cache
def squared(number):
    return number * number


def remembered(number, numbers=[]):  # noqa: B006 - the mistake that this shows
    numbers.append(number)
    return numbers


def main(params):
    n = params["n"]
    found = {
        "lazy": "calendar" in sys.modules,
        "customer": customer.get(),
        "precision": decimal.getcontext().prec,
        "remembered": remembered(n),
    }
    import calendar

    customer.set(n)
    decimal.getcontext().prec = n
    return {
        **found,
        "squares": [squared(number % 2) for number in range(n)],
        "hits": squared.cache_info().hits,
        "days": calendar.monthrange(2026, n)[1],
        "third": str(decimal.Decimal(1) / 3),
    }
