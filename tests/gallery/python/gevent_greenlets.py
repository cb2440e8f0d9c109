"""Greenlets, with the standard library patched at load."""

from gevent import monkey

monkey.patch_all()

import gevent  # noqa: E402 - after the patch
from gevent.pool import Pool  # noqa: E402
from gevent.server import StreamServer  # noqa: E402

finished = []


def work(number):
    gevent.sleep(0.001)
    finished.append(number)
    return number * 2


def main(params):
    server = StreamServer(("127.0.0.1", 0), lambda socket, _: socket.sendall(b"hello"))
    server.start()
    client = gevent.socket.create_connection(("127.0.0.1", server.server_port))
    hello = client.recv(100).decode()
    client.close()
    server.stop()
    return {"doubled": Pool(2).map(work, range(params["n"])), "finished": sorted(finished), "hello": hello}
