"""The pass over the lake: a plan in, sufficient statistics out.

Events meet their learner's first exposure once, in one grouped query that tallies every metric of
the plan in its outcome window and in the covariate window before it. Statistics see no rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, Protocol

import numpy as np
from ibis.expr import types as ir

from analysis import predictions
from analysis.energize.norms import Norms
from analysis.engines.functions import DAY_US
from analysis.exposed import Exposed, exposed_of, exposures_of
from analysis.gathered import (
    FIRST_COLUMNS,
    add_lives,
    add_quantiles,
    columns_of,
    gather_metrics,
    mature_learners,
    to_us,
)
from analysis.lake.reader import Lake
from analysis.metrics import metric_kind
from analysis.metrics.kind import PerLearner, refuse_teams
from analysis.plan import AnalysisPlan, MetricPlan
from analysis.segments import known_apart, refuse_unknown_strata, with_engagement, with_segments
from analysis.statistics.clusters import ClusterSums
from analysis.statistics.collected import (
    COVARIATE,
    COVARIATE_DENOMINATOR,
    DENOMINATOR,
    OTHER_CAP,
    OUTCOME,
    Collected,
    Statistic,
)
from analysis.statistics.gather import (
    gather_moments,
)
from analysis.statistics.moments import Moments
from analysis.take_up import gather_take_up
from analysis.tallies import TAKEN, after, before, events_around, tallied
from analysis.winsorise import clamped, winsorised

_BEFORE: Final = {OUTCOME: COVARIATE, DENOMINATOR: COVARIATE_DENOMINATOR}


class Source(Protocol):
    """Where a collection learns who was exposed, and what they did."""

    def exposed(self) -> Exposed:
        """Who is in the experiment at the look."""

    def tallied(self, people: ir.Table) -> ir.Table:
        """The people (one row a learner), each with the plan's tallies."""

    def latest_received(self) -> datetime | None:
        """When the youngest row arrived, of those that happened before the look."""


@dataclass(frozen=True)
class History:
    """The source that reads the lake's own rows."""

    plan: AnalysisPlan
    lake: Lake

    def exposed(self) -> Exposed:
        """Who is in the experiment, from the exposures up to the look."""
        return exposed_of(self.plan, exposures_of(self.plan, self.lake))

    def tallied(self, people: ir.Table) -> ir.Table:
        """The people with their tallies, from their events."""
        return tallied(self.plan, events_around(self.plan, self.lake), people)

    def latest_received(self) -> datetime | None:
        """When the youngest row arrived, of those that happened before the look."""
        return latest_received(self.plan, self.lake)


def collect(plan: AnalysisPlan, lake: Lake, norms: Norms | None = None) -> Collected:
    """What the lake knows about an experiment, as counts and sufficient statistics.

    Args:
        plan: what to compute, and as of when.
        lake: the events, pinned at a version.
        norms: the score's frozen scale; only plans with a score need it.

    Raises:
        ValueError: a metric cannot be computed as the plan says; names what to change.
    """
    return collect_from(History(plan, lake), plan, lake, norms)


def collect_from(
    source: Source, plan: AnalysisPlan, lake: Lake, norms: Norms | None = None
) -> Collected:
    """The same, with exposures and tallies from wherever they are kept."""
    check_plan(plan, norms)
    exposed = source.exposed()
    counted, people = exposed.units, exposed.people
    if _is_life_asked(plan):
        # Read twice, because learners whose window is not complete are among them.
        known = source.tallied(with_segments(people, lake, plan.as_of))
        known = with_engagement(plan, known, norms).cache()
    else:
        known = source.tallied(with_segments(_mature(plan, people), lake, plan.as_of))
        known = with_engagement(plan, known, norms)
    with _outcomes(plan, norms, known).cache() as uncapped:
        learners = winsorised(plan, uncapped)
        mature = _count_mature(plan, learners)
        gathered = gather_metrics(plan, learners)
        add_lives(plan, known, gathered)
        add_quantiles(plan, lake, people, gathered)
        return Collected(
            n_exposed=counted.n_exposed,
            n_mature=mature.n_units,
            n_learners=mature.n_learners,
            n_crossed=counted.n_crossed,
            metrics=gathered.metrics,
            segments=gathered.segments,
            trend=_trend(plan, learners),
            latest_received_at=source.latest_received(),
            take_up=gather_take_up(plan, learners),
        )


def check_plan(plan: AnalysisPlan, norms: Norms | None) -> None:
    """Refuse a metric that cannot be computed as the plan says."""
    for metric in plan.metrics:
        kind = metric_kind(metric.kind)
        kind.check(metric, norms)
        predictions.refuse_misfit(metric, plan.unit_kind)
        if plan.unit_kind == "team":
            refuse_teams(metric, kind)
    refuse_unknown_strata(plan.strata)


# --- every metric of every learner, in one grouped query


def learner_outcomes(
    plan: AnalysisPlan, lake: Lake, norms: Norms | None, people: ir.Table
) -> ir.Table:
    """One row per learner whose shortest window is complete, with all outcomes and covariates.

    Args:
        plan: its metrics, its start, and as of when.
        lake: the events, pinned at a version.
        norms: the score's frozen scale.
        people: one row a learner: ``learner``, ``unit``, ``variant``, ``exposed_us``, ``role``,
            ``region`` and, of a plan with it, ``stratum``. They may be those of an
            experiment, or of one that is only pretended.
    """
    known = with_segments(_mature(plan, people), lake, plan.as_of)
    known = with_engagement(plan, History(plan, lake).tallied(known), norms)
    return _outcomes(plan, norms, known)


def _mature(plan: AnalysisPlan, people: ir.Table) -> ir.Table:
    """The people whose shortest window is complete."""
    shortest = min(metric.window_days for metric in plan.metrics)
    return people.filter(people.exposed_us + shortest * DAY_US <= to_us(plan.as_of))


def _is_life_asked(plan: AnalysisPlan) -> bool:
    """Whether a metric watches learners whose window is not complete, too."""
    return any(metric_kind(metric.kind).collects == "life" for metric in plan.metrics)


def _outcomes(plan: AnalysisPlan, norms: Norms | None, known: ir.Table) -> ir.Table:
    """Tallies become outcomes and covariates; only of those whose shortest window is complete."""
    row = _mature(plan, known)
    values: dict[str, ir.Value] = {}
    for number, metric in enumerate(plan.metrics):
        values |= _values(number, metric, row, norms)
    if TAKEN in row.columns:
        values[TAKEN] = (row[TAKEN] > 0).cast("float64")
    keys = ["learner", "unit", "variant", "exposed_us", *known_apart(plan.strata)]
    # In a fixed order, so that sums of floats come out the same whenever they are computed again.
    return row.select(*keys, **values).order_by("learner")


def _values(
    number: int, metric: MetricPlan, row: ir.Table, norms: Norms | None
) -> dict[str, ir.Value]:
    kind = metric_kind(metric.kind)
    if kind.collects != "moments":
        return {}
    now = dict(kind.values(PerLearner(metric, row, after(number), norms)))
    past = kind.values(PerLearner(metric, row, before(number), norms))
    found = now | {_BEFORE[name]: past[name] for name in _BEFORE if name in past}
    if predictions.wants_model(metric):
        found |= predictions.features(number, PerLearner(metric, row, "", norms))
    if kind.can_cap:
        found[OTHER_CAP] = found[OUTCOME]
        found |= {name: clamped(metric, found[name]) for name in (OUTCOME, COVARIATE)}
    return {f"m{number}_{name}": value.cast("float64") for name, value in found.items()}


# --- counts


@dataclass(frozen=True)
class _Mature:
    n_units: dict[str, int]
    n_learners: dict[str, int]


def _count_mature(plan: AnalysisPlan, learners: ir.Table) -> _Mature:
    mature = mature_learners(plan, learners, plan.primary)
    counts = mature.group_by("variant").aggregate(
        n_units=mature.unit.nunique(), n_learners=mature.count()
    )
    rows = {row["variant"]: row for row in counts.to_pyarrow().to_pylist()}
    nobody = {"n_units": 0, "n_learners": 0}

    def each(what: str) -> dict[str, int]:
        return {variant: int(rows.get(variant, nobody)[what]) for variant in plan.variants}

    return _Mature(each("n_units"), each("n_learners"))


def latest_received(
    plan: AnalysisPlan, lake: Lake, since: datetime | None = None
) -> datetime | None:
    """When the youngest row arrived, of those that happened before the look, from a time on."""
    latest = [
        lake.table(name, since=since, until=plan.as_of).received_at.max().to_pyarrow().as_py()
        for name in ("events", "exposures")
    ]
    return max((at for at in latest if at is not None), default=None)


# --- the primary as it stood at the end of each day


def _trend(plan: AnalysisPlan, learners: ir.Table) -> dict[str, dict[str, Statistic]]:
    """The primary's statistics over the units complete at the end of each day, day by day."""
    if metric_kind(plan.primary.kind).collects != "moments":
        return {}
    number = plan.metrics.index(plan.primary)
    mature = mature_learners(plan, learners, plan.primary)
    complete_us = mature.exposed_us + plan.primary.window_days * DAY_US
    # A window that ends at midnight was complete at the end of the day before.
    day = ((complete_us - 1) / DAY_US).floor().cast("int64")
    found = columns_of(learners, number)
    columns = tuple(name for name in found if name in FIRST_COLUMNS)
    values = {name: mature[found[name]] for name in columns}
    rows = mature.select("variant", "unit", day=day, **values)
    last = (to_us(plan.as_of) - 1) // DAY_US
    if plan.unit_kind == "team":
        return _cumulate_teams(plan.variants, rows, columns, last)
    return _cumulate_learners(plan.variants, rows, columns, last)


def _cumulate_learners(
    variants: Sequence[str], rows: ir.Table, columns: tuple[str, ...], last: int
) -> dict[str, dict[str, Statistic]]:
    daily = gather_moments(rows, ["day", "variant"], columns)
    nobody = Moments.empty(columns)
    so_far = dict.fromkeys(variants, nobody)
    trend: dict[str, dict[str, Statistic]] = {}
    for day in range(min((key[0] for key in daily), default=last + 1), last + 1):
        so_far = {name: so_far[name] + daily.get((day, name), nobody) for name in variants}
        trend[_iso(day)] = dict(so_far)
    return trend


def _cumulate_teams(
    variants: Sequence[str], rows: ir.Table, columns: tuple[str, ...], last: int
) -> dict[str, dict[str, Statistic]]:
    # A team's learners complete their windows on different days, so sums are kept by team.
    sums = {name: rows[name].sum() for name in columns}
    grouped = rows.group_by(["day", "variant", "unit"]).aggregate(n=rows.count(), **sums)
    daily: dict[int, list[dict[str, Any]]] = {}
    for row in grouped.order_by(["day", "unit"]).to_pyarrow().to_pylist():
        daily.setdefault(row["day"], []).append(row)
    so_far: dict[str, dict[str, np.ndarray]] = {variant: {} for variant in variants}
    trend: dict[str, dict[str, Statistic]] = {}
    for day in range(min(daily, default=last + 1), last + 1):
        for row in daily.get(day, ()):
            teams = so_far[row["variant"]]
            step = np.array([row["n"], *(row[name] for name in columns)], dtype=np.float64)
            teams[row["unit"]] = teams.get(row["unit"], 0.0) + step
        trend[_iso(day)] = {each: _cluster_sums(columns, so_far[each]) for each in variants}
    return trend


def _cluster_sums(columns: tuple[str, ...], teams: Mapping[str, np.ndarray]) -> ClusterSums:
    if not teams:
        return ClusterSums.empty(columns)
    table = np.stack([teams[name] for name in sorted(teams)])
    return ClusterSums(columns, table[:, 0].astype(np.int64), table[:, 1:])


def _iso(day: int) -> str:
    return (date(1970, 1, 1) + timedelta(days=day)).isoformat()
