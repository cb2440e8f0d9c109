"""An HTTP server that listens since the load time, and a client in the request."""

import http.server
import threading
import urllib.request

visits = []


class Visits(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        visits.append(self.path)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(",".join(visits).encode())

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Visits)
threading.Thread(target=server.serve_forever, daemon=True).start()


def main(params):
    for number in range(params["n"]):
        with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/{number}") as answer:
            body = answer.read().decode()
    return {"visits": body}
