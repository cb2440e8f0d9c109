"""A DuckDB of the load time, to which the request writes."""

import duckdb

database = duckdb.connect()
database.execute("create table orders as select i as item from range(10000) t(i)")


def main(params):
    database.execute("insert into orders select i from range(?) t(i)", [params["n"]])
    count, total = database.execute("select count(*), sum(item) from orders").fetchone()
    return {"count": count, "total": int(total)}
