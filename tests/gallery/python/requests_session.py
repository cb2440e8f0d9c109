"""A session of the load time that asks a server within the request, and one that is not there."""

import http.server
import threading

import requests

session = requests.Session()


class Orders(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = f'{{"path": "{self.path}", "cookie": "{self.headers.get("Cookie", "")}"}}'.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Set-Cookie", f"customer={self.path[1:]}")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def main(params):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Orders) as server:
        server.daemon_threads = True
        server.block_on_close = False
        threading.Thread(target=server.serve_forever, daemon=True).start()
        answers = [
            session.get(f"http://127.0.0.1:{server.server_port}/{number}", timeout=10).json()
            for number in range(params["n"])
        ]
        server.shutdown()
    session.close()
    try:
        session.get("http://127.0.0.1:9", timeout=1)
    except requests.ConnectionError as error:
        return {"answers": answers, "error": type(error).__name__}
