"""What tests of the server share: its commands in the test's process, and keys of a fresh store."""

from dataclasses import dataclass

import pytest
from typer.testing import CliRunner

from experiment_server import cli
from experiment_server.metrics.service import ensure_built_in
from experiment_server.problems import Problem
from tests.factories import NOW, make_keys


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    code: int
    text: str  # of standard output
    refusal: str  # what it says when it refuses


@pytest.fixture
def momentum(settings, monkeypatch):
    """Call it with a command's words."""
    monkeypatch.setenv("MOMENTUM_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("MOMENTUM_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("MOMENTUM_LAKE_DIR", settings.lake_dir)
    # logging is the process's own: a command must not redirect that of the tests
    monkeypatch.setattr("experiment_server.commands.context.configure_logging", lambda _level: None)

    def run(*words):
        found = CliRunner().invoke(cli.app, list(words))
        if isinstance(found.exception, Problem):
            return Outcome(cli.REFUSED, found.stdout, found.exception.detail)
        if found.exception is not None and not isinstance(found.exception, SystemExit):
            raise found.exception
        return Outcome(found.exit_code, found.stdout, found.stderr)

    return run


@pytest.fixture
def keys(database):
    """Keys of the environment ``production``; the built-in metrics are there."""
    with database.write() as session:
        ensure_built_in(session, NOW)
    return make_keys(database)


@pytest.fixture
def editor(keys):
    """The headers of a management key that may edit."""
    return keys.manage("editor")


@pytest.fixture
def server_key(keys):
    """The headers of a server key."""
    return keys.headers("server")
