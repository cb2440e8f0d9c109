"""An executor of processes that ends with the request."""

from concurrent.futures import ProcessPoolExecutor


def main(params):
    with ProcessPoolExecutor(2) as executor:
        return {"factors": list(executor.map(abs, range(-params["n"], 0)))}
