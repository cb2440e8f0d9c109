"""A query in a DuckDB that the request opens."""

import duckdb


def main(params):
    with duckdb.connect() as database:
        total = database.execute(f"select sum(i) from range({params['n'] * 100_000}) t(i)").fetchone()[0]
    return {"total": int(total)}
