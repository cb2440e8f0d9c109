"""A database in a file, which each request opens."""

import sqlite3
import tempfile
from pathlib import Path

FILE = Path(tempfile.gettempdir()) / "orders.db"


def main(params):
    database = sqlite3.connect(FILE)
    with database:
        database.execute("create table if not exists orders(item integer)")
        database.executemany("insert into orders values (?)", [(item,) for item in range(params["n"])])
    count, total = database.execute("select count(*), sum(item) from orders").fetchone()
    database.close()
    return {"count": count, "total": total}
