"""A database in memory: rows, a function that it calls, a transaction that was never committed."""

import sqlite3

database = sqlite3.connect(":memory:", check_same_thread=False)
database.execute("create table people (secret text)")
database.commit()


def main(params):
    secret = params["secret"]
    rows = [row[0] for row in database.execute("select secret from people")]
    seen = {"rows": rows, "open": database.in_transaction, "changes": database.total_changes}
    database.create_function("secret", 0, lambda: secret)
    database.execute("insert into people values (secret())")
    return seen
