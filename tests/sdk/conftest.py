"""A real server on 127.0.0.1 and clients on it that hurry."""

import pytest
from momentum_sdk import Momentum
from momentum_sdk.notices import LOGGER_NAME

from tests.sdk import fault_server

HURRY = {
    "poll_interval_s": 0.05,
    "flush_interval_s": 0.01,
    "retry_base_s": 0.01,
    "request_timeout_s": 2.0,
    "exit_timeout_s": 0.5,
}


@pytest.fixture
def server():
    """A server that answers well until a test says otherwise."""
    steered = fault_server.Server()
    http = fault_server.start(steered)
    yield steered
    http.shutdown()
    http.server_close()


@pytest.fixture
def connect(server):
    """Makes clients that are closed after the test."""
    clients = []

    def make(url=None, key="mo_server_secret", **config):
        clients.append(Momentum(url or server.url, key, **(HURRY | config)))
        return clients[-1]

    yield make
    for client in clients:
        client.close(0)


@pytest.fixture
def client(connect):
    """A client that has its definitions."""
    ready = connect()
    assert ready.ready(30)
    return ready


@pytest.fixture
def lines(caplog):
    """The lines that the client logged."""
    caplog.set_level("DEBUG", logger=LOGGER_NAME)
    return lambda: [record.getMessage() for record in caplog.records if record.name == LOGGER_NAME]
