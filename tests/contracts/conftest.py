"""A real server that official SDKs are pointed at."""

import shutil

import pytest
from structlog.testing import capture_logs

from tests.contracts.live_server import Live


@pytest.fixture(scope="session")
def live(sqlite_template, tmp_path_factory):
    """``momentum serve`` on definitions of every kind, and keys to it."""
    folder = tmp_path_factory.mktemp("live")
    shutil.copyfile(sqlite_template, folder / "momentum.db")
    with capture_logs():  # a session's fixture comes before the quiet of each test
        started = Live(folder)
    yield started
    started.close()
