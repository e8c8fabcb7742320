"""The program's history as the questions read it: who was active on which day and in which week.

Made once for all questions. Weeks begin on Monday, in UTC; a week that is not over does not count.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final

import ibis
from ibis.expr import types as ir

from analysis.answers import Answer
from analysis.energize.facts import is_presence
from analysis.energize.norms import Norms
from analysis.engines.functions import DAY_US, epoch_us
from analysis.lake.reader import Lake

MIN_CELL: Final = 10  # learners; a figure about fewer could point at a person
_EPOCH: Final = date(1970, 1, 1)
_FIRST_MONDAY: Final = 4  # days after 1970-01-01, a Thursday


@dataclass(frozen=True)
class ExperimentEstimate:
    """What a randomised experiment found: put beside what was merely observed."""

    title: str
    domain: str
    effect: float
    low: float
    high: float
    metric: str = "Energize Score"
    unit_label: str = "points"


@dataclass(frozen=True)
class History:
    """One lake as of one time, with the tables that several questions read."""

    lake: Lake
    norms: Norms | None
    as_of: datetime
    events: ir.Table  # all events before as_of, with ``day``
    days: ir.Table  # learner, day, week: one row per active day
    weeks: ir.Table  # learner, week, n_days: one row per active, complete week
    first_week: int  # of the history; weeks count from Monday 1970-01-05
    end_week: int  # the first week that is not complete
    experiments: tuple[ExperimentEstimate, ...] = field(default=())

    @property
    def n_weeks(self) -> int:
        """Complete weeks between the first activity and now."""
        return max(0, self.end_week - self.first_week)

    @property
    def as_of_day(self) -> int:
        """Days from 1970 to the first day that is not over."""
        return (self.as_of.astimezone(UTC).date() - _EPOCH).days


def read_history(
    lake: Lake,
    norms: Norms | None,
    as_of: datetime,
    experiments: tuple[ExperimentEstimate, ...] = (),
) -> History:
    """The history up to ``as_of``, its activity by day and week computed once."""
    events = lake.table("events")
    events = events.filter(events.occurred_at < ibis.literal(as_of))
    events = events.mutate(day=(epoch_us(events.occurred_at) / DAY_US).floor().cast("int64"))
    present = events.filter(is_presence(events.kind)).select("learner", "day").distinct()
    days = present.mutate(week=week_of(present.day)).cache()
    end_week = week_number(as_of.astimezone(UTC).date())
    complete = days.filter(days.week < end_week)
    weeks = complete.group_by(["learner", "week"]).aggregate(n_days=complete.count()).cache()
    first = weeks.week.min().to_pyarrow().as_py()
    return History(
        lake=lake,
        norms=norms,
        as_of=as_of,
        events=events,
        days=days,
        weeks=weeks,
        first_week=end_week if first is None else int(first),
        end_week=end_week,
        experiments=experiments,
    )


def week_of(day: ir.IntegerColumn) -> ir.IntegerColumn:
    """The week that a day, counted from 1970, belongs to."""
    return ((day - _FIRST_MONDAY) / 7).floor().cast("int64")


def week_number(day: date) -> int:
    """The week that a date belongs to."""
    return ((day - _EPOCH).days - _FIRST_MONDAY) // 7


def monday(week: int) -> str:
    """The ISO date on which a week begins."""
    return (_EPOCH + timedelta(days=week * 7 + _FIRST_MONDAY)).isoformat()


def percent(share: float) -> str:
    """A share in words: ``62%``."""
    return f"{share:.0%}"


def points(difference: float) -> str:
    """A difference of shares in words: ``+4.2 points``."""
    return f"{100 * difference:+.1f} points"


def missing(question: str, title: str, sentence: str) -> Answer:
    """The answer when the events that it needs are not there: what to send, and no number."""
    return Answer(question, title, sentence, charts=(), table=None, how="Nothing was computed.")
