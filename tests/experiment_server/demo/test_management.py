import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from experiment_server.demo.management import ApiError, ManagementApi


@contextmanager
def answering(status: int, body: bytes):
    """A server that gives one answer to everything, and the requests that it got."""
    seen: list[tuple[str, str, str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            heard = (self.command, self.path, self.headers["Authorization"])
            seen.append((*heard, self.rfile.read(length)))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 - the name that http.server calls

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_management__post__sends_the_key_and_the_body():
    with answering(201, b'{"key": "a"}') as (url, seen):
        assert ManagementApi(url, "mo_manage_1").post("/metrics", {"key": "a"}) == {"key": "a"}

    method, path, key, body = seen[0]
    assert (method, path, key) == ("POST", "/api/v1/metrics", "Bearer mo_manage_1")
    assert json.loads(body) == {"key": "a"}


def test_management__refused__says_the_servers_own_sentence_in_one_line():
    problem = {
        "title": "Unprocessable",
        "detail": "One field does not fit.",
        "errors": [{"field": "domain", "found": "'x'", "expected": "one of incentive, other"}],
    }
    with (
        answering(422, json.dumps(problem).encode()) as (url, _),
        pytest.raises(ApiError) as refused,
    ):
        ManagementApi(url, "mo_manage_1").post("/metrics", {})

    assert str(refused.value) == (
        "POST /metrics: 422 One field does not fit. "
        "domain: found 'x', expected one of incentive, other."
    )


def test_management__answer_of_something_else__names_the_status():
    with (
        answering(502, b"<html>bad gateway</html>") as (url, _),
        pytest.raises(ApiError, match="GET /environments: 502 Bad Gateway"),
    ):
        ManagementApi(url, "mo_manage_1").get("/environments")


def test_management__nobody_there__names_the_address():
    with pytest.raises(ApiError, match=r"http://127.0.0.1:9 does not answer: .*refused"):
        ManagementApi("http://127.0.0.1:9", "mo_manage_1").get("/environments")
