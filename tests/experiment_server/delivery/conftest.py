"""An environment with definitions, and keys of each kind to it."""

import pytest

from experiment_server.metrics.service import ensure_built_in
from tests.experiment_server.delivery.definitions import define
from tests.factories import NOW, make_keys


@pytest.fixture
def keys(database):
    with database.write() as session:
        ensure_built_in(session, NOW)
    return make_keys(database)


@pytest.fixture
def editor(keys):
    return keys.manage("editor")


@pytest.fixture
def server_key(keys):
    return keys.headers("server")


@pytest.fixture
def client_key(keys):
    return keys.secret("client")


@pytest.fixture
def defined(client, editor):
    """All definitions of ``definitions.py``."""
    define(client, editor)
