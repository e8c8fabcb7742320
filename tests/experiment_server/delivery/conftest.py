"""An environment with definitions, and keys of each kind to it."""

import pytest

from tests.experiment_server.delivery.definitions import define


@pytest.fixture
def client_key(keys):
    return keys.secret("client")


@pytest.fixture
def defined(client, editor):
    """All definitions of ``definitions.py``."""
    define(client, editor)
