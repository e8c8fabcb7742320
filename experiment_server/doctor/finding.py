"""What a check says: how bad it is, what was found, and what to do about it."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Level(StrEnum):
    """How bad a finding is."""

    FINE = "fine"
    WARNING = "warning"  # it works, and will not for ever, or not for everybody
    ERROR = "error"  # something does not work, or may lose data


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    area: str
    level: Level
    what: str
    remedy: str = ""  # empty where nothing needs doing

    def to_json(self) -> dict[str, Any]:
        """The finding as plain JSON values."""
        return asdict(self)
