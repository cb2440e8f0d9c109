"""A database in write-ahead mode that is open since the load time."""

import sqlite3
import tempfile
from pathlib import Path

database = sqlite3.connect(Path(tempfile.mkdtemp()) / "orders.db", check_same_thread=False)
database.execute("pragma journal_mode=wal")
database.execute("create table orders(item integer)")
database.commit()


def main(params):
    with database:
        database.executemany("insert into orders values (?)", [(item,) for item in range(params["n"])])
    count, mode = database.execute("select count(*), 'wal' from orders").fetchone()
    return {"count": count, "mode": mode}
