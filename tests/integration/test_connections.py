"""Functions with a client of a real server, whose connection is older than the requests."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from groundhog import Function, NullObserver, Pool
from tests.framework import redis_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Source = Callable[[str, str], Path]

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.usefixtures("no_leaks"),
    pytest.mark.xdist_group("redis"),
]

CLIENT = """
import os
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

def connect():
    return redis.Redis(**ADDRESS, decode_responses=True, retry=Retry(NoBackoff(), 1))

client = connect()
client.ping()
"""

PLAIN = """
def main(params):
    return {"value": client.get(params["key"]), "connection": client.client_id()}
"""

# The client gives a connection back to its pool on which an answer is still to come, to a cancelled request.
CANCELLED = """
def main(params):
    connection = client.connection_pool.get_connection()
    if params["cancelled"]:
        connection.send_command("BLPOP", "late", 0)
        client.connection_pool.release(connection)
        return {"value": None}
    connection.send_command("GET", params["key"])
    with connect() as another:
        another.lpush("late", "of another caller")
    return {"value": connection.read_response()}
"""


class Shut(NullObserver):
    """What each restore shut down."""

    def __init__(self) -> None:
        self.counts: list[int] = []

    def on_restore(self, report: Any) -> None:
        self.counts.append(report.connections_shut)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[redis_server.RedisServer]:
    with redis_server.running(tmp_path_factory.mktemp("redis")) as running:
        with running.client() as client:
            client.mset({f"key{number}": f"value{number}" for number in range(10)})
        yield running


@pytest.fixture(params=["tcp", "unix"])
def client(request: pytest.FixtureRequest, server: redis_server.RedisServer) -> str:
    """The first lines of a function that is connected when it has loaded."""
    with server.client() as cleaner:
        cleaner.delete("late")
    address = {"port": server.port} if request.param == "tcp" else {"unix_socket_path": server.path}
    return f"ADDRESS = {address!r}\n{CLIENT}"


async def test_every_request_has_a_connection_of_its_own(client: str, source: Source) -> None:
    async with Pool(Function.from_file(source("handler.py", client + PLAIN))) as pool:
        replies = [(await pool.invoke({"key": f"key{number}"})).value for number in range(10)]
    assert [reply["value"] for reply in replies] == [f"value{number}" for number in range(10)]
    assert len({reply["connection"] for reply in replies}) == 10


async def test_a_process_whose_connection_was_shut_serves_on(client: str, source: Source) -> None:
    shut = Shut()
    function = Function.from_file(source("handler.py", client + PLAIN))
    async with Pool(function, connections="shut", observer=shut) as pool:
        for number in range(10):
            await pool.invoke({"key": f"key{number}"})
        assert pool.stats().retirements == {}
    assert sum(shut.counts) == 1, "the old one is shut once, and then it stays so"


NODE = """
const net = require('net');

const socket = net.connect(PORT, '127.0.0.1');
socket.setEncoding('utf8');
socket.on('error', () => {});

exports.main = ({ key }) => new Promise((resolve, reject) => {
  if (socket.destroyed) reject(new Error('the server closed the connection'));
  socket.once('close', () => reject(new Error('the server closed the connection')));
  socket.once('data', (answer) => resolve({ value: answer.split('\\r\\n')[1] }));
  socket.write(`GET ${key}\\r\\n`);
});
"""


@pytest.mark.parametrize("warmup", [[], [{"key": "key0"}]], ids=["no warm-up", "warm-up"])
async def test_a_node_client_that_does_not_connect_again_costs_its_process(
    server: redis_server.RedisServer, source: Source, warmup: list[Any]
) -> None:
    path = source("handler.js", f"const PORT = {server.port};\n{NODE}")
    async with Pool(Function.from_file(path), connections="shut") as pool:
        values = [(await pool.invoke({"key": f"key{number}"})).value for number in range(2)]
        assert values == [{"value": "value0"}, {"error": "the server closed the connection"}]
    async with Pool(Function.from_file(path, warmup=warmup)) as pool:
        values = [(await pool.invoke({"key": f"key{number}"})).value for number in range(10)]
        assert pool.stats().retirements.keys() == {"connections-used"}
        assert ("warm-up request 1 failed" in pool.stats().connections) == bool(warmup)
    assert values == [{"value": f"value{number}"} for number in range(10)]


async def test_connections_are_kept_on_demand(client: str, source: Source) -> None:
    shut = Shut()
    function = Function.from_file(source("handler.py", client + PLAIN))
    async with Pool(function, keep_connections=True, observer=shut) as pool:
        replies = [(await pool.invoke({"key": f"key{number}"})).value for number in range(10)]
        assert pool.stats().retirements == {}
    assert [reply["value"] for reply in replies] == [f"value{number}" for number in range(10)]
    assert len({reply["connection"] for reply in replies}) == 1
    assert sum(shut.counts) == 0


@pytest.mark.parametrize("isolation", ["off", "request"])
async def test_the_answer_to_a_cancelled_request_reaches_no_other(
    client: str, source: Source, isolation: str
) -> None:
    function = Function.from_file(source("handler.py", client + CANCELLED))
    async with Pool(function, isolation=isolation) as pool:
        await pool.invoke({"cancelled": True})
        reply = await pool.invoke({"cancelled": False, "key": "key3"})
    assert reply.value == {"value": "value3" if isolation == "request" else ["late", "of another caller"]}


TO_THE_SUPERVISOR = """
import os
import socket

connection = socket.create_connection(("127.0.0.1", int(os.environ["PORT"])))

def main(params):
    connection.sendall(b"half of a request")
    return {}
"""


async def test_one_to_a_server_of_the_supervisor_itself_is_shut_as_well(source: Source) -> None:
    """Else the next request goes on with what this one has begun to send."""
    received: asyncio.Queue[bytes] = asyncio.Queue()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.put_nowait(await reader.read())
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    function = Function.from_file(source("handler.py", TO_THE_SUPERVISOR), env={"PORT": str(port)})
    async with server, Pool(function, connections="shut") as pool:
        await pool.invoke({})
        # Which ends with the end of the connection.
        assert await asyncio.wait_for(received.get(), 60) == b"half of a request"
