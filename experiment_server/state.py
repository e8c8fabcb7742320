"""What a running server holds; jobs, commands and routes are handed it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from experiment_server.columns import utc_now
from experiment_server.db import Database
from experiment_server.settings import Settings


@dataclass(frozen=True)
class State:
    """The settings, the database and the clock of one server process."""

    settings: Settings
    database: Database
    clock: Callable[[], datetime] = field(default=utc_now)
