"""A server of MariaDB of a test's own, on the loopback interface: it speaks as MySQL does."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.framework.servers import HOST, free_port, not_as_root

if TYPE_CHECKING:
    from collections.abc import Iterator

USER, DATABASE = "tester", "shop"
FIRST_STATEMENTS = f"""\
CREATE DATABASE {DATABASE};
CREATE USER {USER}@{HOST};
GRANT ALL ON {DATABASE}.* TO {USER}@{HOST};
"""


@contextlib.contextmanager
def running() -> Iterator[dict[str, Any]]:
    """It takes connections as long as this is entered: what clients have to be told."""
    with tempfile.TemporaryDirectory(prefix="groundhog-mariadb-") as name:
        folder = Path(name)
        as_user = not_as_root(folder)
        data, first = folder / "data", folder / "first.sql"
        first.write_text(FIRST_STATEMENTS, encoding="ascii")
        install = [
            "mariadb-install-db",
            "--no-defaults",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
        ]
        subprocess.run([*as_user, *install, f"--datadir={data}"], check=True, capture_output=True, cwd="/")
        port = free_port()
        server = [
            "mariadbd",
            "--no-defaults",
            f"--datadir={data}",
            f"--bind-address={HOST}",
            f"--port={port}",
        ]
        server += [
            f"--socket={folder}/socket",
            f"--pid-file={folder}/pid",
            f"--init-file={first}",
            "--skip-name-resolve",
        ]
        with subprocess.Popen([*as_user, *server], stderr=subprocess.PIPE, text=True, cwd="/") as process:
            try:
                assert process.stderr is not None
                ready = any("ready for connections" in line for line in process.stderr)
                assert ready, "the database does not start"
                yield {"host": HOST, "port": port, "user": USER, "database": DATABASE}
            finally:
                process.terminate()
                process.communicate()
