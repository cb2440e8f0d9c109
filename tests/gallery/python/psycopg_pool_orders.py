"""A pool of connections to PostgreSQL, with its threads of the load time, that a hook fills anew."""

import os

from psycopg_pool import ConnectionPool

from groundhog.hooks import register_after_restore

pool = ConnectionPool(os.environ["POSTGRESQL"], min_size=1, open=True)
pool.wait()
register_after_restore(pool.drain)


def main(params):
    with pool.connection() as connection:
        (total,) = connection.execute(
            "SELECT sum(i) FROM generate_series(1, %s) AS i", (params["n"],)
        ).fetchone()
    return {"total": total}
