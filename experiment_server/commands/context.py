"""What every command needs: the settings of the environment and an opened, migrated database."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from experiment_server.db import Database, migrate
from experiment_server.observe import configure_logging
from experiment_server.settings import Settings
from experiment_server.state import State


def read_settings() -> Settings:
    """The settings that the process's environment variables ask for."""
    return Settings.from_environment(os.environ)


@contextmanager
def opened_state() -> Iterator[State]:
    """The state of a command that works on the store: migrated before, closed after."""
    settings = read_settings()
    configure_logging(settings.log_level)  # on standard error: standard output is the answer
    database = Database(settings.database_url)
    try:
        migrate(database)
        yield State(settings=settings, database=database)
    finally:
        database.dispose()
