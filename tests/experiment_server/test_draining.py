"""A body that is refused is answered so that ordinary clients read the answer."""

import threading
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from werkzeug.serving import make_server

from experiment_server.db import Database
from experiment_server.demo.local_server import running_server
from experiment_server.draining import MOST_BYTES, draining
from tests.factories import make_keys
from tests.ports import free_port

URL = "/api/v1/events"
JSON = {"Content-Type": "application/json"}
TEN_MEGABYTES = b"x" * 10_000_000
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@contextmanager
def development_server(app):
    """Werkzeug's server on the app; gives its port."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def gunicorn(tmp_path_factory):
    """``momentum serve``: its port, and the headers of a server key."""
    port = free_port()
    with (
        running_server(tmp_path_factory.mktemp("store"), port) as server,
        opened_database(server.settings.database_url) as database,
    ):
        yield port, {**JSON, **make_keys(database, "drained").headers()}


@contextmanager
def opened_database(url):
    database = Database(url)
    yield database
    database.dispose()


@pytest.fixture(params=["gunicorn", "development"])
def served(request):
    """A server's port, and the headers of a server key."""
    if request.param == "gunicorn":
        yield request.getfixturevalue("gunicorn")
        return
    keys = make_keys(request.getfixturevalue("database"))
    with development_server(request.getfixturevalue("app")) as port:
        yield port, {**JSON, **keys.headers()}


def pieces(body):
    return (body[first : first + 100_000] for first in range(0, len(body), 100_000))


@ON_SQLITE
@pytest.mark.parametrize("way", ["with its length", "in chunks"])
def test_http_client__ten_megabytes__reads_413_and_is_served_again(served, database_url, way):
    port, headers = served
    body = TEN_MEGABYTES if way == "with its length" else pieces(TEN_MEGABYTES)

    with closing(HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request("POST", URL, body, headers)
        answer = connection.getresponse()
        detail = answer.read()
        connection.request("GET", "/readyz")
        after = connection.getresponse()
        after.read()

    assert answer.status == 413
    assert b"larger than 5 MB" in detail
    assert after.status == 200


@ON_SQLITE
@pytest.mark.parametrize("way", ["with its length", "in chunks"])
def test_urllib__ten_megabytes__reads_413(served, database_url, way):
    port, headers = served
    body = TEN_MEGABYTES if way == "with its length" else pieces(TEN_MEGABYTES)

    with pytest.raises(HTTPError) as refused:
        urlopen(Request(f"http://127.0.0.1:{port}{URL}", body, headers), timeout=60)

    assert refused.value.code == 413
    refused.value.close()


def test_urllib__ten_megabytes_with_a_wrong_key__reads_401(gunicorn):
    port, _ = gunicorn
    headers = {**JSON, "Authorization": "Bearer nobody"}

    with pytest.raises(HTTPError) as refused:
        urlopen(Request(f"http://127.0.0.1:{port}{URL}", TEN_MEGABYTES, headers), timeout=60)

    assert refused.value.code == 401
    refused.value.close()


class Endless:
    """A body without an end, or one that breaks; counts what is read of it."""

    def __init__(self, error=None):
        self.n_read = 0
        self._error = error

    def read(self, n_bytes):
        if self._error is not None:
            raise self._error
        self.n_read += n_bytes
        return b"x" * n_bytes


def refuse(environ, start_response):
    start_response("413 Content Too Large", [])
    return [b"no"]


@pytest.mark.parametrize("error", [None, ConnectionResetError(), ValueError("no chunk")])
def test_draining__a_body_without_end_or_broken__is_answered_all_the_same(error):
    body = Endless(error)
    environ = {"wsgi.input": body, "wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "any"}

    answer = draining(refuse, 5)(environ, lambda *_: None)

    assert list(answer) == [b"no"]
    assert body.n_read == (MOST_BYTES if error is None else 0)


def test_draining__a_body_that_may_have_been_read__is_not_waited_for():
    body = Endless()
    environ = {"wsgi.input": body, "CONTENT_LENGTH": "5"}

    draining(refuse, 5)(environ, lambda *_: None)

    assert body.n_read == 0
