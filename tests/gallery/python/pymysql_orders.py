"""A connection to MySQL (here MariaDB) of the load time."""

import json
import os

import pymysql

connection = pymysql.connect(**json.loads(os.environ["MYSQL"]))


def main(params):
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE orders (number INT, item VARCHAR(20))")
        cursor.executemany(
            "INSERT INTO orders VALUES (%s, %s)", [(i, f"item {i}") for i in range(params["n"])]
        )
        cursor.execute("SELECT count(*), max(item) FROM orders")
        count, last = cursor.fetchone()
        cursor.execute("DROP TEMPORARY TABLE orders")
    return {"count": count, "last": last}
