"""Slot times: pure arithmetic on UTC, so that every server finds the same ones."""

from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MONDAY: Final = datetime(1970, 1, 5, tzinfo=UTC)


def latest_slot(now: datetime, every: timedelta) -> datetime:
    """The latest time at or before now on a grid of this width that starts in 1970."""
    return _EPOCH + ((now - _EPOCH) // every) * every


def latest_daily(now: datetime, hour: int) -> datetime:
    """The latest ``hour`` o'clock UTC at or before now."""
    return _on_grid(now, _EPOCH + timedelta(hours=hour), timedelta(days=1))


def latest_weekly(now: datetime, hour: int) -> datetime:
    """The latest Monday at ``hour`` o'clock UTC at or before now."""
    return _on_grid(now, _MONDAY + timedelta(hours=hour), timedelta(days=7))


def _on_grid(now: datetime, first: datetime, every: timedelta) -> datetime:
    return first + ((now - first) // every) * every
