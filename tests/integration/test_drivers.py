"""Functions with client libraries that connect again by themselves, if their idle connections are closed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from groundhog import Function, Limits, Pool
from groundhog.observer import Endings
from tests.framework import postgres, programs, redis_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Source = Callable[[str, str], Path]

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.long,
    pytest.mark.usefixtures("no_leaks"),
    pytest.mark.xdist_group("postgres"),
]

SQLALCHEMY = """
import sqlalchemy

engine = sqlalchemy.create_engine(ADDRESS)

def query():
    with engine.connect() as connection:
        return connection.execute(sqlalchemy.text("SELECT 6 * 7")).scalar()

query()

def main(params):
    return {"value": query()}
"""
NODE_POSTGRES = """
const { Pool } = require('pg');

const pool = new Pool(ADDRESS);
const loaded = pool.query('SELECT 1');

exports.main = async () => {
  await loaded;
  return (await pool.query('SELECT 6 * 7 AS value')).rows[0];
};
"""
IN_USE = """
const { Pool } = require('pg');

const loaded = new Pool(ADDRESS).connect().then(async (client) => {
  await client.query('CREATE TEMPORARY TABLE answers AS SELECT 42 AS value');
  return client;
});

exports.main = async () => (await (await loaded).query('SELECT value FROM answers')).rows[0];
"""
SQLITE = """
import sqlalchemy

engine = sqlalchemy.create_engine(ADDRESS)
with engine.begin() as connection:
    connection.execute(sqlalchemy.text("CREATE TABLE answers (value INTEGER)"))
    connection.execute(sqlalchemy.text("INSERT INTO answers VALUES (42)"))

def main(params):
    with engine.connect() as connection:
        return {"value": connection.execute(sqlalchemy.text("SELECT value FROM answers")).scalar()}
"""
REDIS = """
import redis

client = redis.Redis(host="127.0.0.1", port=ADDRESS, decode_responses=True)
client.set("answer", 42)

def main(params):
    return {"value": int(client.get("answer"))}
"""
HTTP = """
import http.client

connection = http.client.HTTPConnection("127.0.0.1", ADDRESS)

def ask():
    connection.request("GET", "/")
    return int(connection.getresponse().read())

ask()

def main(params):
    return {"value": ask()}
"""
UNREAD = """
import http.client

connection = http.client.HTTPConnection("127.0.0.1", ADDRESS)
connection.request("GET", "/")
response = connection.getresponse()

def main(params):
    return {"value": int(response.read())}
"""
PINNED = """
import http.client
import socket

connection = http.client.HTTPConnection("127.0.0.2", ADDRESS)
connection.sock = socket.create_connection(("127.0.0.1", ADDRESS))

def main(params):
    connection.request("GET", "/")
    return {"value": int(connection.getresponse().read())}
"""
UNIX = """
import http.client
import socket

near, far = socket.socketpair()
connection = http.client.HTTPConnection("127.0.0.1", ADDRESS)
connection.sock = near

def main(params):
    connection.request("GET", "/")
    assert far.recv(5) == b"GET /"
    far.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 1\\r\\n\\r\\n7")
    return {"value": 6 * int(connection.getresponse().read())}
"""
BEGUN = """
import http.client

connection = http.client.HTTPConnection("127.0.0.1", ADDRESS)
connection.putrequest("GET", "/")

def main(params):
    connection.endheaders()
    return {"value": int(connection.getresponse().read())}
"""
HELD = """
import sqlalchemy

engine = sqlalchemy.create_engine(ADDRESS, poolclass=sqlalchemy.StaticPool)
connection = engine.connect()
connection.execute(sqlalchemy.text("CREATE TEMPORARY TABLE answers AS SELECT 42 AS value"))

def main(params):
    return {"value": connection.execute(sqlalchemy.text("SELECT value FROM answers")).scalar()}
"""

SERVER = """
import http.server

class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"42")

    def log_message(self, *_):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
print(server.server_port, flush=True)
server.serve_forever()
"""
"""In a process of its own: connections to the supervisor itself are not shut down."""


LATE = """
import asyncio, sys

async def pass_on(reader, writer, delay):
    while data := await reader.read(65536):
        await asyncio.sleep(delay)
        writer.write(data)
    writer.close()

async def forward(reader, writer):
    there, back = await asyncio.open_connection(sys.argv[1], int(sys.argv[2]))
    await asyncio.gather(pass_on(reader, back, 0), pass_on(there, writer, 0.05))

async def main():
    server = await asyncio.start_server(forward, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()

asyncio.run(main())
"""
"""A way to another server on which each answer takes 50 ms."""


@contextlib.contextmanager
def served(program: str, *arguments: str) -> Iterator[int]:
    argv = [sys.executable, "-c", program, *arguments]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline())
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    with (
        postgres.running() as database,
        redis_server.running(tmp_path_factory.mktemp("redis")) as redis,
        served(SERVER) as port,
    ):
        named = dict(part.split("=") for part in database.split())
        url = "postgresql+psycopg://{user}@{host}:{port}/{dbname}".format_map(named)
        yield {
            **dict.fromkeys((SQLALCHEMY, HELD), url),
            **{text: {**named, "database": named["dbname"]} for text in (NODE_POSTGRES, IN_USE)},
            REDIS: redis.port,
            **dict.fromkeys((HTTP, UNREAD, PINNED, UNIX, BEGUN), port),
            SQLITE: "sqlite://",
        }


@pytest.fixture
def function(addresses: dict[str, Any], source: Source) -> Callable[..., Function]:
    def made(text: str, **more: Any) -> Function:
        if text in {NODE_POSTGRES, IN_USE}:
            path = source("handler.js", f"const ADDRESS = {json.dumps(addresses[text])};\n{text}")
            return Function.from_file(path, env={"NODE_PATH": str(programs.node_packages())}, **more)
        return Function.from_file(source("handler.py", f"ADDRESS = {addresses[text]!r}\n{text}"), **more)

    return made


DRIVERS = pytest.mark.parametrize(
    "text",
    [SQLALCHEMY, REDIS, HTTP, NODE_POSTGRES],
    ids=["SQLAlchemy", "redis-py", "http.client", "node-postgres"],
)


async def answers(pool: Pool, count: int) -> set[Any]:
    return {(await pool.invoke({})).value["value"] for _ in range(count)}


@DRIVERS
@pytest.mark.parametrize("warmup", [[], [{}]], ids=["no warm-up", "warm-up"])
async def test_their_processes_serve_on(
    function: Callable[..., Function], text: str, warmup: list[Any]
) -> None:
    async with Pool(function(text, warmup=warmup), observer=(seen := Endings())) as pool:
        assert await answers(pool, 10) == {42}
        assert pool.stats().retirements.keys() <= {"superseded"}
        assert pool.stats().connections == "", "no connection of the snapshot was used"
    assert not any(isinstance(event, str) and "connections-used" in event for event in seen.known())


async def test_one_that_is_being_opened_is_waited_for(addresses: dict[str, Any], source: Source) -> None:
    """Else each request would find what was asked before the snapshot, and cost the process a connection."""
    address = addresses[NODE_POSTGRES]
    with served(LATE, address["host"], address["port"]) as port:
        late = json.dumps({**address, "host": "127.0.0.1", "port": port})
        function = Function.from_file(
            source("handler.js", f"const ADDRESS = {late};\n{NODE_POSTGRES}"),
            env={"NODE_PATH": str(programs.node_packages())},
        )
        async with Pool(function) as pool:
            assert await answers(pool, 4) == {42}
            assert pool.stats().retirements == {}


@DRIVERS
async def test_left_alone_they_lose_their_connection(function: Callable[..., Function], text: str) -> None:
    async with Pool(function(text), connections="replace", observer=(seen := Endings())) as pool:
        assert await answers(pool, 3) == {42}
        reasons: list[str] = []
        while len(reasons) < 2:  # the last may still be under way
            if isinstance(event := await asyncio.wait_for(seen.events.get(), 60), str):
                reasons.append(event.partition(":")[0])
    assert reasons == ["connections-used"] * 2


async def test_a_database_within_its_connection_stays(function: Callable[..., Function]) -> None:
    async with Pool(function(SQLITE)) as pool:
        assert await answers(pool, 3) == {42}


async def test_an_answer_that_is_half_read_stays(function: Callable[..., Function]) -> None:
    """It has come before the snapshot, so that each request may read it; a closed one would be empty."""
    async with Pool(function(UNREAD)) as pool:
        assert await answers(pool, 3) == {42}


@pytest.mark.parametrize(
    "text",
    [PINNED, UNIX, BEGUN, HELD, IN_USE],
    ids=[
        "another address",
        "Unix socket",
        "a request begun",
        "a transaction",
        "one of a pool that is in use",
    ],
)
async def test_what_would_not_be_the_same_again_stays(function: Callable[..., Function], text: str) -> None:
    """Opened again, it would lead elsewhere, or lack what has begun."""
    async with Pool(function(text)) as pool:
        assert await answers(pool, 3) == {42}


SLOW_TO_END = """
import socket, sys, threading, time

def pass_on(source, target, pause_s):
    while data := source.recv(65536):
        target.sendall(data)
    time.sleep(pause_s)
    target.shutdown(socket.SHUT_WR)

with socket.create_server(("127.0.0.1", 0)) as server:
    print(server.getsockname()[1], flush=True)
    while True:
        client, database = server.accept()[0], socket.create_connection(("127.0.0.1", int(sys.argv[1])))
        threading.Thread(target=pass_on, args=(client, database, 0), daemon=True).start()
        threading.Thread(target=pass_on, args=(database, client, 60), daemon=True).start()
"""
TWO_CLIENTS = """
const { Pool } = require('pg');

const pool = new Pool(ADDRESS);
const loaded = Promise.all([1, 2, 3].map(() => pool.query('SELECT pg_sleep(0.05)')));

exports.main = async ({ warm }) => {
  await loaded;
  if (warm) return {};
  const clients = [await pool.connect(), await pool.connect()];
  const { rows } = await clients[1].query('SELECT 6 * 7 AS value');
  for (const client of clients) client.release();
  return rows[0];
};
"""


async def test_no_client_of_a_pool_is_missing_whose_server_is_slow_to_end(
    addresses: dict[str, Any], source: Source
) -> None:
    address = addresses[NODE_POSTGRES]
    argv = [sys.executable, "-c", SLOW_TO_END, str(address["port"])]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as between:  # noqa: ASYNC220 - it starts at once
        try:
            assert between.stdout is not None
            named = {**address, "port": int(between.stdout.readline()), "max": 3}
            path = source("handler.js", f"const ADDRESS = {json.dumps(named)};\n{TWO_CLIENTS}")
            function = Function.from_file(
                path, env={"NODE_PATH": str(programs.node_packages())}, warmup=[{"warm": True}]
            )
            async with Pool(function, limits=Limits(timeout_s=3)) as pool:
                assert await answers(pool, 2) == {42}
        finally:
            between.terminate()
