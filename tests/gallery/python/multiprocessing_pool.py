"""A pool of forked processes."""

import multiprocessing

context = multiprocessing.get_context("fork")


def square(number):
    return number * number


def main(params):
    with context.Pool(2) as pool:
        return {"squares": pool.map(square, range(params["n"]))}
