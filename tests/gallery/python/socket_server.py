"""A server and its client in one request."""

import socket
import threading


def serve(listener, n):
    connection, _ = listener.accept()
    with connection:
        connection.sendall(connection.recv(100) * n)


def main(params):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=serve, args=(listener, params["n"]))
        server.start()
        with socket.create_connection(listener.getsockname()) as client:
            client.sendall(b"hi")
            server.join()
            return {"echo": client.recv(100).decode()}
