"""A small real server for the tests: it answers as told, and remembers what it was asked."""

import gzip
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PAYLOAD: dict[str, Any] = {
    "features": {
        "new-home": {"defaultValue": False, "rules": [{"force": True}]},
        "limit": {"defaultValue": 5},
        "reward-ladder": {
            "defaultValue": {"badges": False},
            "momentum": {"experiment": True, "control": "control", "unit_kind": "learner"},
            "rules": [
                {
                    "force": {"badges": True},
                    "condition": {"id": {"$in": ["learner-of-the-house"]}},
                    "momentum": {"forced_variant": "badges"},
                },
                {
                    "key": "reward-ladder",
                    "seed": "reward-ladder",
                    "hashVersion": 2,
                    "hashAttribute": "id",
                    "variations": [{"badges": False}, {"badges": True}],
                    "weights": [0.5, 0.5],
                    "coverage": 1,
                    "condition": {"role": "seller"},
                    "meta": [{"key": "control"}, {"key": "badges"}],
                    "phase": "1",
                },
            ],
        },
        "team-quest": {
            "defaultValue": None,
            "momentum": {"experiment": True, "control": "solo", "unit_kind": "team"},
            "rules": [
                {
                    "key": "team-quest",
                    "seed": "team-quest",
                    "hashVersion": 2,
                    "hashAttribute": "team",
                    "variations": [None, {"quest": 1}],
                    "weights": [0.5, 0.5],
                    "meta": [{"key": "solo"}, {"key": "together"}],
                    "phase": "1",
                }
            ],
        },
    },
    "savedGroups": {},
    "momentum": {"format": 1, "environment": "production", "version": 1},
}

Reply = tuple[int, dict[str, str], bytes]


@dataclass
class Asked:
    """One request as it came in."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Server:
    """What a test steers and reads. `reply` may be replaced at any time."""

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    items: dict[str, dict[str, Any]] = field(default_factory=dict)
    n_connections: int = 0
    payload: dict[str, Any] = field(default_factory=lambda: PAYLOAD)
    reply: Callable[[Asked], Reply | None] = lambda _asked: None  # None: answer well
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, asked: Asked) -> Reply:
        with self.lock:
            self.asked.append(asked)
        special = self.reply(asked)
        if special is not None:
            return special
        return self.take_items(asked) if asked.method == "POST" else self.give_payload(asked)

    def give_payload(self, asked: Asked) -> Reply:
        etag = f'"{self.payload["momentum"]["version"]}"'
        if asked.headers.get("if-none-match") == etag:
            return 304, {"ETag": etag}, b""
        return 200, {"ETag": etag}, json.dumps(self.payload).encode()

    def take_items(self, asked: Asked) -> Reply:
        body = asked.body
        if asked.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        items = json.loads(body)["items"]
        with self.lock:
            n_known = sum(item["id"] in self.items for item in items)
            self.items.update({item["id"]: item for item in items})
        said = {"accepted": len(items) - n_known, "duplicates": n_known, "refused": []}
        return 202, {}, json.dumps(said).encode()

    def of_type(self, item_type: str) -> list[dict[str, Any]]:
        with self.lock:
            return [item for item in self.items.values() if item["type"] == item_type]

    def posts(self) -> list[Asked]:
        with self.lock:
            return [asked for asked in self.asked if asked.method == "POST"]


def build_handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # headers and body go out apart; do not wait in between

        def setup(self) -> None:
            super().setup()
            with server.lock:
                server.n_connections += 1

        def do_GET(self) -> None:
            self.reply()

        do_POST = do_GET  # noqa: N815

        def reply(self) -> None:
            size = int(self.headers.get("content-length", 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.command, self.path, headers, self.rfile.read(size))
            status, given, body = server.answer(asked)
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(body))} | given).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    return Handler


class QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *args: Any) -> None:
        """A client that hangs up is part of the tests."""


def start(server: Server) -> ThreadingHTTPServer:
    http = QuietServer(("127.0.0.1", 0), build_handler(server))
    threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True).start()
    server.url = f"http://127.0.0.1:{http.server_address[1]}"
    return http
