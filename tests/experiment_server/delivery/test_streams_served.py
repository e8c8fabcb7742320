"""Streams of a real server: they leave it threads to answer with, and end when it ends."""

import os
import signal
import time
from contextlib import ExitStack
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.faults.killable import KillableServer

MOST_STREAMS = 3  # of eight threads
MOST_OF_ONE_KEY = 2


@pytest.fixture
def served(database_url, client_key, tmp_path):
    server = KillableServer(database_url, tmp_path)
    server.env |= {"MOMENTUM_THREADS": "8", "MOMENTUM_SCHEDULER": "off"}
    server.start()
    yield server
    server.close()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_streams__as_many_as_may_be__leave_the_server_quick_and_end_with_it(
    served, client_key, server_key
):
    url = f"http://127.0.0.1:{served.port}"
    with ExitStack() as stack:
        streams = [
            stack.enter_context(urlopen(f"{url}/sub/{client_key}", timeout=10))
            for _ in range(MOST_OF_ONE_KEY)
        ]
        own = Request(f"{url}/api/v1/stream", headers=server_key)
        streams.append(stack.enter_context(urlopen(own, timeout=10)))
        assert all(stream.readline().startswith(b"retry: ") for stream in streams)

        assert len(streams) == MOST_STREAMS
        for asked, status in ((f"{url}/sub/{client_key}", 429), (own, 503)):
            with pytest.raises(HTTPError) as refused:
                urlopen(asked, timeout=10)
            assert (refused.value.code, refused.value.headers["Retry-After"]) == (status, "30")
            refused.value.close()

        for _ in range(20):
            with urlopen(f"{url}/api/features/{client_key}", timeout=10) as answer:
                assert answer.status == 200

        os.kill(served._process.pid, signal.SIGTERM)
        rest = [stream.read() for stream in streams]
        served._process.wait(20)

        assert all(b"event: " in text for text in rest)
        assert served._process.returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_stream__reader_gone__frees_its_place(served, client_key):
    url = f"http://127.0.0.1:{served.port}/sub/{client_key}"
    for _ in range(MOST_OF_ONE_KEY):
        with urlopen(url, timeout=10) as stream:
            stream.readline()

    def opens():
        try:
            with urlopen(url, timeout=10) as stream:
                return stream.status == 200
        except HTTPError as error:
            error.close()
            return False

    deadline = time.monotonic() + 45  # two keep-alives: the first write to a closed line succeeds
    while not opens():
        assert time.monotonic() < deadline
        time.sleep(1)
