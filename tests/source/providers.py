"""Real servers on free ports of the loopback, and a parameter file that describes them."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from dsaudit.source import Recording

TOKEN = "a-token-that-must-not-leak"
Answer = tuple[int, dict[str, str], bytes]
Asked = tuple[str, str, bytes]  # method, path with its query, body


@contextlib.contextmanager
def serving(answer: Callable[[Asked], Answer], tokens: set[str]) -> Iterator[str]:
    """Serve what `answer` says and yield the address; `tokens` collects what came in the header X-Token."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            tokens.add(self.headers.get("X-Token", ""))
            asked = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, headers, body = answer((self.command, self.path, asked))
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *parts: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@dataclass
class Provider:
    """A server that answers each path with the next of its prepared answers; the last one stays."""

    address: str = ""
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)

    def answer(self, asked: Asked) -> Answer:
        """Return the next answer."""
        _, path, body = asked
        self.asked.append(path)
        self.bodies += [json.loads(body)] if body else []
        prepared = self.answers.get(path, [(404, {}, b"{}")])
        return prepared.pop(0) if len(prepared) > 1 else prepared[0]

    def gives(self, path: str, *bodies: Any, status: int = 200, **headers: str) -> None:
        """Prepare an answer to a path for each of the bodies: text as it is, anything else as JSON."""
        prepared = [body if isinstance(body, str) else json.dumps(body) for body in bodies]
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers.setdefault(path, []).extend((status, named, body.encode()) for body in prepared)

    def lists(self, name: str, *pages: list[Any], relative: bool = False) -> None:
        """Prepare a list in pages that are linked by the Link header."""
        for number, page in enumerate(pages):
            path = f"/shop/{name}.json?limit=2" if not number else f"/shop/{name}.json?page={number}"
            following = f"/shop/{name}.json?page={number + 1}"
            link = {"Link": f'<{"" if relative else self.address}{following}>; rel="next"'}
            self.gives(path, {name: page}, **(link if number + 1 < len(pages) else {}))


FILE = """
integration: shop
database: {{url_env: NOT_USED}}
tenants: [{{name: shop, id: 1, account: shop}}]
source: {source}
policy: {{in_flight_seconds: 0}}
resources:
  order: {{table: orders, key: id, read: {read}, updated: updated_at{more}}}
  line: {{table: lines, key: id, nested: {{in: order, at: lines}}}}
  tax: {{table: taxes, key: [order_id, position], joined: ":", id_from: [../id, "#"], nested: {{in: order, at: taxes}}}}
  address:
    {{table: addresses, key: [a, b], id_from: [../id, "@"], nested: {{in: order, at: {{to: ship_to, by: bill_to}}}}}}
"""
Reader = Callable[..., Recording]


def rest(address: str, more: str = "page_size: 2") -> str:
    """Return a source's section for a server."""
    return (
        f"{{kind: rest, base_url: '{address}', account_path: '{{account}}', token_env: SHOP_TOKEN, "
        f"token_header: X-Token, {more}}}"
    )


def an_order(key: int, **values: Any) -> dict[str, Any]:
    return {"id": key, "updated_at": "2026-11-20T12:00:00+01:00", **values}


def ids(recording: Recording, resource: str = "order") -> list[str]:
    assert recording.problem("shop", resource) is None
    return [item.source_id for item in recording.items("shop", resource)]


def not_whole(recording: Recording) -> str:
    """Return why the list of orders cannot be relied on; nothing of it may be counted then."""
    assert recording.count("shop", "order") is None
    problem = recording.problem("shop", "order")
    assert problem
    assert TOKEN not in problem
    return problem
