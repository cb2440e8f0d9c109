#!/usr/bin/env python3
"""What isolation costs a caller of AWS Lambda's clients: each with a bare server of its API, and isolated.

    python benchmarks/lambda_clients.py python="python -m awslambdaric app.handler" go=./app [--requests N]

The functions take and answer any JSON. Each round sends the same event to both processes of a client in turn,
once they wait for it. The bare server does what the API needs and nothing else. Prints medians, and those of
the ratios within each round.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import shlex
import statistics
import time
from typing import TYPE_CHECKING

from groundhog import Function, Pool

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

EVENT = {"name": "Ada", "numbers": list(range(20))}
BODY = b'{"name":"Ada","numbers":[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19]}'
_PAUSE_S = 0.003
_WARM = 50


class Bare(asyncio.Protocol):
    """One client, on one connection at a time: no states, no limits, no isolation."""

    def __init__(self, server: BareServer) -> None:
        self._server = server
        self._data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to write."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Take requests as they become complete."""
        self._data += data
        while b"\r\n\r\n" in self._data:
            head, _, body = self._data.partition(b"\r\n\r\n")
            fields = [line.partition(b":") for line in head.lower().split(b"\r\n")]
            length = next((int(value) for name, _, value in fields if name == b"content-length"), 0)
            if len(body) < length:
                return
            self._data = body[length:]
            if head.startswith(b"GET "):
                self._server.waiting.set_result(self._transport)
            else:
                self._transport.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")  # type: ignore[attr-defined]
                self._server.waiting = asyncio.get_running_loop().create_future()
                self._server.answer.set_result(body[:length])


class BareServer:
    """Hands events to a client."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.waiting: asyncio.Future[asyncio.WriteTransport] = loop.create_future()
        self.answer: asyncio.Future[bytes] = loop.create_future()

    async def invoke(self) -> bytes:
        """Deliver an event; the answer."""
        transport = await self.waiting
        self.answer = asyncio.get_running_loop().create_future()
        transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nLambda-Runtime-Aws-Request-Id: %b\r\n"
            b"Lambda-Runtime-Deadline-Ms: %d\r\nLambda-Runtime-Invoked-Function-Arn: arn\r\n"
            b"Content-Length: %d\r\n\r\n%b"
            % (os.urandom(16).hex().encode(), time.time_ns() // 1_000_000 + 60_000, len(BODY), BODY)
        )
        return await self.answer


@contextlib.asynccontextmanager
async def bare(argv: list[str]) -> AsyncIterator[BareServer]:
    """A client and its server, while the block lasts."""
    served = BareServer()
    server = await asyncio.get_running_loop().create_server(lambda: Bare(served), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    function = Function.from_command(argv, protocol="runtime-api")
    env = {**os.environ, "_HANDLER": function.argv[-1], "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}"}
    env |= {"AWS_LAMBDA_FUNCTION_NAME": "bare", "AWS_LAMBDA_FUNCTION_VERSION": "1"}
    env |= {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024"}
    process = await asyncio.create_subprocess_exec(*argv, env=env, stdout=asyncio.subprocess.DEVNULL)
    try:
        yield served
    finally:
        process.kill()
        await process.wait()
        server.close()


async def measure(argv: list[str], requests: int) -> tuple[list[float], list[float]]:
    """The seconds that each request took, bare and isolated."""
    function = Function.from_command(argv, [EVENT] * _WARM, protocol="runtime-api")
    bare_s, isolated_s = [], []
    async with bare(argv) as served, Pool(function) as pool:
        for _ in range(_WARM):
            await served.invoke()
        for _ in range(requests):
            await asyncio.sleep(_PAUSE_S)
            begun = time.perf_counter()
            await served.invoke()
            bare_s.append(time.perf_counter() - begun)
            await asyncio.sleep(_PAUSE_S)
            begun = time.perf_counter()
            await pool.invoke(EVENT)
            isolated_s.append(time.perf_counter() - begun)
        assert set(pool.stats().retirements) <= {"superseded"}
    return bare_s, isolated_s


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("clients", nargs="+", metavar="NAME=COMMAND")
    parser.add_argument("--requests", type=int, default=500)
    arguments = parser.parse_args()
    for client in arguments.clients:
        name, _, command = client.partition("=")
        bare_s, isolated_s = asyncio.run(measure(shlex.split(command), arguments.requests))
        ratio = statistics.median(one / other for one, other in zip(isolated_s, bare_s, strict=True))
        both = [statistics.median(taken) * 1e6 for taken in (bare_s, isolated_s)]
        print(f"{name:8} p50 bare {both[0]:6.0f} µs, isolated {both[1]:6.0f} µs, ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
