"""The pauses of a phase: how long it stood still, and what that does to its schedule. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any


@dataclass(frozen=True)
class Pause:
    """A time in which everybody got the control."""

    paused_at: datetime
    resumed_at: datetime | None = None  # None: it lasts
    reason: str = ""

    @classmethod
    def of(cls, stored: dict[str, Any]) -> "Pause":
        """A pause as the phase has it."""
        until = stored["resumed_at"]
        return cls(
            datetime.fromisoformat(stored["paused_at"]),
            None if until is None else datetime.fromisoformat(until),
            stored["reason"],
        )

    def plain(self) -> dict[str, Any]:
        """A pause as JSON."""
        until = self.resumed_at
        return {
            "paused_at": self.paused_at.isoformat(),
            "resumed_at": None if until is None else until.isoformat(),
            "reason": self.reason,
        }


def read_pauses(stored: Sequence[dict[str, Any]]) -> list[Pause]:
    """The pauses of a phase, the first one first."""
    return [Pause.of(each) for each in stored]


def close_last(pauses: Sequence[Pause], at: datetime) -> list[Pause]:
    """The pauses, of which the one that lasts ends now."""
    return [
        Pause(pause.paused_at, at, pause.reason) if pause.resumed_at is None else pause
        for pause in pauses
    ]


def time_paused(pauses: Sequence[Pause], now: datetime) -> timedelta:
    """How long the phase has stood still."""
    return sum((_length(pause, now) for pause in pauses), timedelta())


def shifted(planned: datetime, pauses: Sequence[Pause]) -> datetime | None:
    """When something is due that was planned without pauses; None while nobody can know.

    Time stands still in a pause, so what is due after one comes later by its length.

    Example:
        >>> from datetime import UTC
        >>> day = lambda number: datetime(2026, 3, number, tzinfo=UTC)
        >>> shifted(day(8), [Pause(day(3), day(5)), Pause(day(9), day(10))]) == day(11)
        True
    """
    due = planned
    for pause in pauses:
        if pause.paused_at >= due:
            break
        if pause.resumed_at is None:
            return None
        due += pause.resumed_at - pause.paused_at
    return due


def _length(pause: Pause, now: datetime) -> timedelta:
    return max((pause.resumed_at or now) - pause.paused_at, timedelta())
