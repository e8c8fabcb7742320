"""Runs ``momentum`` inside the test's process, on the test's own store."""

from dataclasses import dataclass

import pytest
from typer.testing import CliRunner

from experiment_server import cli
from experiment_server.problems import Problem


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
