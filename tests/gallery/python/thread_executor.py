"""An executor of threads that is there since the load time, as are its threads."""

from concurrent.futures import ThreadPoolExecutor

executor = ThreadPoolExecutor(3)
list(executor.map(abs, range(9)))
seen = []


def work(number):
    seen.append(number)
    return number * 2


def main(params):
    doubled = list(executor.map(work, range(params["n"])))
    return {"doubled": doubled, "seen": sorted(seen)}
