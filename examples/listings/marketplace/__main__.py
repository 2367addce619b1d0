"""Serves the marketplace: python -m examples.listings.marketplace --port 8099."""

import argparse
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .pages import SLOW_SECONDS, page


def serve(port: int, seed: int) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/healthz":
                self._send(200, "{}", "application/json")
                return
            if self.path.startswith("/slow/"):
                time.sleep(SLOW_SECONDS)
            self._send(*page(self.path, seed), "text/html; charset=utf-8")

        def _send(self, status: int, text: str, kind: str) -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A marketplace on a loopback port.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    serve(arguments.port, arguments.seed)
