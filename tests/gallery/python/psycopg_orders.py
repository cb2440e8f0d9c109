"""A connection to PostgreSQL of the load time, as many functions keep one."""

import os

import psycopg

connection = psycopg.connect(os.environ["POSTGRESQL"])


def main(params):
    with connection.transaction(force_rollback=True), connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE orders (number int, item text)")
        for number in range(params["n"]):
            cursor.execute("INSERT INTO orders VALUES (%s, %s)", (number, f"item {number}"))
        cursor.execute("SELECT count(*), string_agg(item, ', ' ORDER BY number) FROM orders")
        count, items = cursor.fetchone()
    return {"count": count, "items": items}
