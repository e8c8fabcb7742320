"""A real server that official SDKs are pointed at."""

import shutil

import pytest

from tests.contracts.live_server import Live


@pytest.fixture(scope="session")
def live(sqlite_template, tmp_path_factory):
    """``momentum serve`` on definitions of every kind, and keys to it."""
    folder = tmp_path_factory.mktemp("live")
    shutil.copyfile(sqlite_template, folder / "momentum.db")
    started = Live(folder)
    yield started
    started.close()
