"""A PostgreSQL server of a test's own, on the loopback interface."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.framework.servers import free_port, not_as_root

if TYPE_CHECKING:
    from collections.abc import Iterator


def _program(name: str) -> str:
    # Debian keeps the programs of each version apart.
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    path = str(found[-1]) if found else shutil.which(name)
    assert path is not None, f"{name} is not installed"
    return path


@contextlib.contextmanager
def running() -> Iterator[str]:
    """It takes connections as long as this is entered: the address, as clients take it."""
    with (
        tempfile.TemporaryDirectory(prefix="groundhog-postgres-") as folder,
        _serving(Path(folder) / "data", not_as_root(Path(folder))) as address,
    ):
        yield address


@contextlib.contextmanager
def _serving(data: Path, prefix: list[str]) -> Iterator[str]:
    port = free_port()
    init = [_program("initdb"), "--auth=trust", "--username=tester", "--no-sync", f"--pgdata={data}"]
    subprocess.run([*prefix, *init], check=True, capture_output=True, text=True, cwd="/")
    options = {"port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off"}
    words = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
    argv = [*prefix, _program("postgres"), "-D", str(data), *words]
    with subprocess.Popen(argv, stderr=subprocess.PIPE, text=True, cwd="/", env={"LC_ALL": "C"}) as process:
        try:
            assert process.stderr is not None
            ready = any("ready to accept connections" in line for line in process.stderr)
            assert ready, "the database does not start"
            yield f"host=127.0.0.1 port={port} user=tester dbname=postgres"
        finally:
            process.terminate()
            process.communicate()
