"""What callers ask of a flag."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class FlagChange:
    """A flag's wanted switch and rules in one environment."""

    version: int  # the one that was edited
    enabled: bool
    rules: Sequence[Mapping[str, Any]]  # {title, condition, value, coverage}
    now: datetime
