"""The past as if it had been an experiment: what units would have brought, had they met a variant.

Learners who were active before a date get a pretended exposure at that date; their outcomes and
covariates come from the same pass as a real experiment's.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from typing import Final

import ibis
import numpy as np
import numpy.typing as npt
from ibis.expr import types as ir

from analysis.collect import learner_outcomes
from analysis.energize.facts import is_presence
from analysis.energize.norms import Norms
from analysis.engines.functions import days_between, epoch_us
from analysis.gathered import FIRST_COLUMNS, columns_of, to_us
from analysis.lake.reader import Lake
from analysis.learners import attributes_at
from analysis.metrics import metric_kind
from analysis.plan import AnalysisPlan, MetricPlan
from analysis.results import NotEstimable
from analysis.winsorise import winsorised

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

ACTIVE_DAYS: Final = 28
"""Who did something in so many days before the date would have met a variant."""
STEP: Final = timedelta(days=7)
KNOWN: Final = timedelta(days=84)
"""How far back the pace of a start is read."""
NO_TEAM: Final = -1


@dataclass(frozen=True, eq=False)
class Past:
    """One metric of the learners of the past, one row a learner."""

    metric: MetricPlan
    dates: tuple[datetime, ...]  # of the pretended exposures, the earliest first
    columns: tuple[str, ...]  # outcome, covariate; a ratio's denominators
    values: Floats  # (n, k)
    date: Ints  # (n,) which of the dates
    team: Ints  # (n,) numbers from 0; NO_TEAM where none is known

    def __len__(self) -> int:
        """How many learners there are."""
        return len(self.values)

    def column(self, name: str) -> Floats:
        """One column, (n,)."""
        return np.asarray(self.values[:, self.columns.index(name)])

    @property
    def n_teams(self) -> int:
        """How many teams the learners belong to."""
        return len(np.unique(self.team[self.team != NO_TEAM]))


def pretend(
    lake: Lake, metric: MetricPlan, as_of: datetime, most_dates: int = 1, norms: Norms | None = None
) -> Past | NotEstimable:
    """What a metric was for the learners who were active before some dates.

    The dates are a week apart and as late as the outcome window allows; each learner gets one of
    those before which it was active, by a hash. As many dates are used as there is history for.

    Args:
        lake: the events, pinned at a version.
        metric: its window is also the covariate's, before the date.
        as_of: nothing later is read.
        most_dates: 1, or the number of looks to pretend.
        norms: the score's frozen scale; only a score needs it.

    Raises:
        ValueError: the metric cannot be computed as its plan says.
    """
    kind = metric_kind(metric.kind)
    kind.check(metric, norms)
    if kind.collects != "moments":
        return NotEstimable(
            f"{metric.title} is kept as a {kind.collects}, not as one number a learner",
            "choose a metric with one number a learner, such as a count, a proportion or a score",
        )
    dates = _dates(lake, metric, as_of, most_dates)
    if isinstance(dates, NotEstimable):
        return dates
    plan = _plan(metric, dates, as_of)
    uncapped = learner_outcomes(plan, lake, norms, _people(lake, dates, as_of))
    rows = winsorised(plan, uncapped)
    columns = {c: name for c, name in columns_of(rows, 0).items() if c in FIRST_COLUMNS}
    table = rows.select("learner", "unit", "exposed_us", *columns.values()).to_pyarrow()
    order = np.argsort(np.asarray(table["learner"].to_pylist(), dtype=str), kind="stable")
    values = [table[name].to_numpy().astype(np.float64) for name in columns.values()]
    at = np.searchsorted([to_us(date) for date in dates], table["exposed_us"].to_numpy())
    return Past(
        metric,
        dates,
        tuple(columns),
        np.column_stack(values)[order],
        at.astype(np.int64)[order],
        _numbered(table["unit"].to_pylist())[order],
    )


def arrivals(lake: Lake, since: datetime, until: datetime) -> tuple[Ints, Ints]:
    """Per day since a time, how many learners and how many teams were first active on it.

    An experiment that starts at that time meets them as they come: most of them soon, the rest
    more and more slowly. Only whole days count.
    """
    n_days = (until - since) // timedelta(days=1)
    since_us = to_us(since)
    present = _present(lake, since, since + timedelta(days=n_days))
    first = present.group_by("learner").aggregate(exposed_us=present.at_us.min())
    first = first.left_join(_teams(first, lake, until), "learner")
    days = first.mutate(day=days_between(ibis.literal(since_us), first.exposed_us))
    learners = days.group_by("day").aggregate(n=days.count())
    teams = days.filter(days.team.notnull()).group_by("team").aggregate(day=days.day.min())
    return _daily(learners, n_days), _daily(
        teams.group_by("day").aggregate(n=ibis._.count()), n_days
    )


def recent_arrivals(lake: Lake, as_of: datetime) -> tuple[Ints, Ints]:
    """``arrivals`` of the last twelve weeks, or of as many days as there are."""
    first = first_event(lake, as_of) or as_of
    return arrivals(lake, max(first, as_of - KNOWN), as_of)


def first_event(lake: Lake, as_of: datetime) -> datetime | None:
    """When the earliest event happened that anybody is active by; None: there is none."""
    events = lake.table("events")
    read = events.filter(is_presence(events.kind), events.occurred_at < ibis.literal(as_of))
    found: datetime | None = read.occurred_at.min().to_pyarrow().as_py()
    return found


def _dates(
    lake: Lake, metric: MetricPlan, as_of: datetime, most: int
) -> tuple[datetime, ...] | NotEstimable:
    window = timedelta(days=metric.window_days)
    first = first_event(lake, as_of)
    if first is None:
        return NotEstimable(
            "the lake holds no activity before that time", "import history, or choose a later time"
        )
    latest = as_of - window
    room = latest - (first + window)
    if room < timedelta(0):
        return NotEstimable(
            f"history begins on {first:%Y-%m-%d}, {(as_of - first).days} days before the end;"
            f" {metric.title} needs {2 * metric.window_days}: its window of {metric.window_days}"
            " days after a pretended exposure, and as long before it",
            "import older events, or wait, or choose a metric with a shorter window",
        )
    n_dates = min(most, room // STEP + 1)
    return tuple(latest - number * STEP for number in reversed(range(n_dates)))


def _plan(metric: MetricPlan, dates: tuple[datetime, ...], as_of: datetime) -> AnalysisPlan:
    """What the pass over the lake needs to know; nothing is randomised."""
    return AnalysisPlan(
        experiment="history",
        title="History",
        domain="",
        unit_kind="learner",
        variants=("everybody",),
        weights=(1.0,),
        metrics=(metric,),
        started_at=dates[0],
        as_of=as_of,
    )


def _people(lake: Lake, dates: tuple[datetime, ...], as_of: datetime) -> ir.Table:
    """Each learner once, exposed at one of the dates before which it was active."""
    active = [
        _present(lake, date - timedelta(days=ACTIVE_DAYS), date)
        .select("learner")
        .distinct()
        .mutate(exposed_us=ibis.literal(to_us(date), "int64"))
        for date in dates
    ]
    all_dates = reduce(lambda some, more: some.union(more), active)
    # A named hash: each engine's own ``hash()`` would draw differently.
    draw = (all_dates.learner + ":" + all_dates.exposed_us.cast("string")).hexdigest("md5")
    order = ibis.window(group_by="learner", order_by=[draw, all_dates.exposed_us])
    once = all_dates.mutate(place=ibis.row_number().over(order))
    once = once.filter(once.place == 0).drop("place")
    people = once.left_join(_teams(once, lake, as_of), "learner")
    nothing = ibis.null("string")
    return people.select(
        "learner",
        "exposed_us",
        unit=people.team,
        variant=ibis.literal("everybody"),
        role=nothing,
        region=nothing,
    )


def _present(lake: Lake, since: datetime, until: datetime) -> ir.Table:
    """Everything that makes a day an active one: who, and when."""
    events = lake.table("events", since=since, until=until)
    present = events.filter(is_presence(events.kind))
    return present.select("learner", at_us=epoch_us(present.occurred_at))


def _teams(people: ir.Table, lake: Lake, as_of: datetime) -> ir.Table:
    """Each learner's team as of its exposure; those of one manager, where teams are not told."""
    known = attributes_at(people, lake, as_of, ("team", "manager"))
    return known.select("learner", team=ibis.coalesce(known.team, known.manager))


def _numbered(teams: list[str | None]) -> Ints:
    known = {name: number for number, name in enumerate(sorted({t for t in teams if t}))}
    return np.array([known.get(team or "", NO_TEAM) for team in teams], dtype=np.int64)


def _daily(counts: ir.Table, n_days: int) -> Ints:
    daily = np.zeros(n_days, dtype=np.int64)
    for row in counts.to_pyarrow().to_pylist():
        daily[row["day"]] = row["n"]
    return daily
