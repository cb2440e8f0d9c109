"""Files that libraries leave: a temporary file, a database, a cache in the working directory."""

import os
import pickle
import sqlite3
import tempfile
from pathlib import Path

folder = Path(os.environ.get("TMPDIR", "/tmp"))
database = folder / "victim.sqlite"
with sqlite3.connect(database) as made:
    made.execute("create table if not exists seen (secret text)")
made.close()


def main(params):
    connection = sqlite3.connect(database)
    rows = connection.execute("select count(*) from seen").fetchone()[0]
    left = sorted(path.suffix for path in folder.iterdir())
    cached = (
        pickle.loads((folder / "cache.pickle").read_bytes()) if (folder / "cache.pickle").exists() else None
    )
    with connection:
        connection.execute("insert into seen values (?)", (params["secret"],))
    connection.close()
    (folder / "cache.pickle").write_bytes(pickle.dumps(params["secret"]))
    tempfile.NamedTemporaryFile(suffix=".left", delete=False).write(params["secret"].encode())
    return {"rows": rows, "left": left, "cached": cached is not None}
