"""What the sources page shows of each source."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(frozen=True)
class SourceFinding:
    """One thing that a validation found."""

    severity: Literal["error", "warning", "note"]
    field: str
    sentence: str
    remedy: str = ""


@dataclass(frozen=True)
class SourceRow:
    """A source, and what its last validation found."""

    key: str
    title: str
    variable: str  # of the server, with the address
    tables: tuple[str, ...]  # what is read of it, each in a few words
    version: int
    checked_at: datetime | None = None
    checked_version: int = 0  # of the source, when it was validated
    findings: tuple[SourceFinding, ...] = ()
