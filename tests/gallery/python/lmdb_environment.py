"""A database that is mapped since the load time, with a map larger than its file."""

import tempfile

import lmdb

environment = lmdb.open(tempfile.mkdtemp(), map_size=1 << 30)


def main(params):
    with environment.begin(write=True) as transaction:
        before = transaction.get(b"customer")
        transaction.put(b"customer", str(params["n"]).encode())
    with environment.begin() as transaction:
        after = transaction.get(b"customer").decode()
    return {"before": before and before.decode(), "after": after}
