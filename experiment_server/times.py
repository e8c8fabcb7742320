"""Which times may be asked about or told: from the year 2000 to tomorrow."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from pydantic import AfterValidator, AwareDatetime

from experiment_server.columns import utc_now

EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
AHEAD: Final = timedelta(days=1)  # how far another clock may run before ours
EXPECTED: Final = "a time from 2000-01-01 to tomorrow"


def is_bounded(at: datetime) -> bool:
    """Whether an aware time is one that windows and zones can be counted from, and no forecast."""
    return EARLIEST <= at <= utc_now() + AHEAD


def _check(at: datetime) -> datetime:
    if not is_bounded(at):
        raise ValueError(EXPECTED)
    return at


BoundedTime = Annotated[AwareDatetime, AfterValidator(_check)]
"""A time of a request's body."""
