"""A pair of sockets of the load time, and a descriptor that is handed over."""

import os
import socket

left, right = socket.socketpair()


def main(params):
    left.sendall(b"x" * params["n"])
    received = right.recv(100).decode()
    readable, writable = os.pipe()
    socket.send_fds(left, [b"pipe"], [writable])
    message, (handed,), _, _ = socket.recv_fds(right, 100, 1)
    os.write(handed, message)
    os.close(handed)
    os.close(writable)
    through = os.read(readable, 100).decode()
    os.close(readable)
    return {"received": received, "through": through}
