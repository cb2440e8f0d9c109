"""A connection to PostgreSQL that a hook opens anew after each restore."""

import os

import psycopg

from groundhog.hooks import register_after_restore

connection = None


@register_after_restore
def connect():
    global connection
    connection = psycopg.connect(os.environ["POSTGRESQL"], autocommit=True)


connect()


def main(params):
    rows = connection.execute("SELECT i, i * i FROM generate_series(1, %s) AS i", (params["n"],)).fetchall()
    return {"squares": rows}
