"""Functions that keep a connection to a PostgreSQL server, opened before the requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from groundhog import Function, Pool
from tests.framework import postgres

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Source = Callable[[str, str], Path]

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.usefixtures("no_leaks"),
    pytest.mark.xdist_group("postgres"),
]

# What a server keeps for a connection is a caller's, too: here, in whose name it asks.
HANDLER = """
import psycopg

def connect():
    return psycopg.connect(ADDRESS, autocommit=True)

connection = connect()
connection.execute("SELECT 1")

def query(text, *values):
    global connection
    try:
        return connection.execute(text, values).fetchone()
    except psycopg.OperationalError:
        connection = connect()
        return connection.execute(text, values).fetchone()

def main(params):
    backend, before = query("SELECT pg_backend_pid(), current_setting('app.caller', true)")
    query("SELECT set_config('app.caller', %s, false)", params["caller"])
    return {"backend": backend, "before": before or None}
"""
CALLERS = [f"caller{number}" for number in range(5)]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with postgres.running() as running:
        yield running


@pytest.fixture
def function(address: str, source: Source) -> Function:
    return Function.from_file(source("handler.py", f"ADDRESS = {address!r}\n{HANDLER}"))


async def test_without_isolation_a_request_finds_the_session_of_another(function: Function) -> None:
    async with Pool(function, isolation="off") as pool:
        replies = [(await pool.invoke({"caller": caller})).value for caller in CALLERS]
    assert [reply["before"] for reply in replies] == [None, *CALLERS[:-1]]


async def test_every_request_has_a_session_of_its_own(function: Function) -> None:
    async with Pool(function) as pool:
        replies = [(await pool.invoke({"caller": caller})).value for caller in CALLERS]
    assert [reply["before"] for reply in replies] == [None] * len(CALLERS)
    assert len({reply["backend"] for reply in replies}) == len(CALLERS)


async def test_a_kept_connection_has_one_session(function: Function) -> None:
    async with Pool(function, keep_connections=True) as pool:
        replies = [(await pool.invoke({"caller": caller})).value for caller in CALLERS]
        assert pool.stats().retirements == {}
    assert [reply["before"] for reply in replies] == [None, *CALLERS[:-1]], "which is what it costs"
    assert len({reply["backend"] for reply in replies}) == 1
