"""The code of a function exchanged for another's: the function is the same object, by name and by identity."""


def price(name):
    return len(name)


at_start = id(price)


def main(params):
    seen = {"price": price("gear"), "same": id(price) == at_start}
    source = f"def price(name):\n    return {params['secret']!r}\n"
    made = {}
    exec(source, made)
    price.__code__ = made["price"].__code__
    return seen
