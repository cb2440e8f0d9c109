"""A database in memory that is filled at load."""

import sqlite3

database = sqlite3.connect(":memory:", check_same_thread=False)
database.execute("create table orders(item integer)")


def main(params):
    with database:
        database.executemany("insert into orders values (?)", [(item,) for item in range(params["n"])])
    return {"count": database.execute("select count(*) from orders").fetchone()[0]}
