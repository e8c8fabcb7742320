"""What a running server holds; jobs, commands and routes are handed it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session

from analysis import storage
from experiment_server.columns import utc_now
from experiment_server.db import Database
from experiment_server.settings import Settings

SuggestAfter = Callable[[Session, Any], dict[str, Any] | None]
"""What an experiment's readouts suggest for the time after it; readouts know, experiments ask."""


def suggest_nothing(_session: Session, _experiment: Any) -> dict[str, Any] | None:
    """Where no readouts are at hand."""
    return None


@dataclass(frozen=True)
class State:
    """The settings, the database and the clock of one server process."""

    settings: Settings
    database: Database
    clock: Callable[[], datetime] = field(default=utc_now)
    suggest_after: SuggestAfter = field(default=suggest_nothing)

    def __post_init__(self) -> None:
        """Whoever opens the lake need not know the keys to it."""
        storage.declare(self.settings.lake_dir, self.settings.lake_options)
