"""The pass over the lake: a plan in, sufficient statistics out.

Events meet their learner's first exposure once, in one grouped query that computes every metric of
the plan in its outcome window and in the covariate window before it. Statistics see no rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

import ibis
import numpy as np
from ibis.expr import types as ir

from analysis import predictions
from analysis.energize.facts import Window
from analysis.energize.norms import Norms
from analysis.engines.functions import DAY_US, days_between, epoch_us
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
from analysis.metrics.kind import InWindow, PerLearner, refuse_teams
from analysis.plan import AnalysisPlan, MetricPlan
from analysis.segments import known_apart, refuse_unknown_strata, with_segments
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
from analysis.winsorise import clamped, winsorised

_BEFORE: Final = {OUTCOME: COVARIATE, DENOMINATOR: COVARIATE_DENOMINATOR}


def collect(plan: AnalysisPlan, lake: Lake, norms: Norms | None = None) -> Collected:
    """What the lake knows about an experiment, as counts and sufficient statistics.

    Args:
        plan: what to compute, and as of when.
        lake: the events, pinned at a version.
        norms: the score's frozen scale; only plans with a score need it.

    Raises:
        ValueError: a metric cannot be computed as the plan says; names what to change.
    """
    check_plan(plan, norms)
    met = exposures_of(plan, lake)
    counted = _count_units(plan, met)
    people = _units_first(plan, met)
    with learner_outcomes(plan, lake, norms, people).cache() as uncapped:
        learners = winsorised(plan, uncapped)
        mature = _count_mature(plan, learners)
        gathered = gather_metrics(plan, learners)
        add_lives(plan, lake, people, gathered)
        add_quantiles(plan, lake, people, gathered)
        return Collected(
            n_exposed=counted.n_exposed,
            n_mature=mature.n_units,
            n_learners=mature.n_learners,
            n_crossed=counted.n_crossed,
            metrics=gathered.metrics,
            segments=gathered.segments,
            trend=_trend(plan, learners),
            latest_received_at=latest_received(plan, lake),
            take_up=gather_take_up(plan, lake, learners),
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


# --- who was exposed to what


def exposures_of(plan: AnalysisPlan, lake: Lake) -> ir.Table:
    """The experiment's exposures in this phase, up to the look."""
    exposures = lake.table("exposures")
    return exposures.filter(
        exposures.experiment == plan.experiment,
        exposures.unit_kind == plan.unit_kind,
        exposures.exposed_at >= ibis.literal(plan.started_at),
        exposures.exposed_at < ibis.literal(plan.as_of),
    ).select(
        "event_id",
        "learner",
        "unit",
        "variant",
        "role",
        "region",
        "stratum",
        exposed_us=epoch_us(exposures.exposed_at),
    )


def _units(met: ir.Table) -> ir.Table:
    return met.group_by("unit").aggregate(
        unit_variants=met.variant.nunique(), unit_variant=met.variant.min()
    )


def _units_first(plan: AnalysisPlan, met: ir.Table) -> ir.Table:
    """Each learner at its first exposure, with what was known of it then.

    Learners of units that met several variants are left out. A learner who changes team stays with
    the first team's variant.
    """
    order = ibis.window(group_by="learner", order_by=["exposed_us", "event_id"])
    first = met.mutate(place=ibis.row_number().over(order))
    first = first.filter(first.place == 0)
    joined = first.join(_units(met), "unit")
    kept = joined.filter((joined.unit_variants == 1) & joined.variant.isin(plan.variants))
    return kept.select("learner", "unit", "variant", "exposed_us", "role", "region", "stratum")


@dataclass(frozen=True)
class _Units:
    n_exposed: dict[str, int]
    n_crossed: int


def _count_units(plan: AnalysisPlan, met: ir.Table) -> _Units:
    units = _units(met)
    grouped = units.mutate(crossed=units.unit_variants > 1).group_by(["crossed", "unit_variant"])
    rows = grouped.aggregate(n=ibis._.count()).to_pyarrow().to_pylist()
    straight = {row["unit_variant"]: int(row["n"]) for row in rows if not row["crossed"]}
    return _Units(
        n_exposed={variant: straight.get(variant, 0) for variant in plan.variants},
        n_crossed=sum(int(row["n"]) for row in rows if row["crossed"]),
    )


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
    shortest = min(metric.window_days for metric in plan.metrics)
    mature = people.filter(people.exposed_us + shortest * DAY_US <= to_us(plan.as_of))
    beside = _events_beside(plan, lake, with_segments(mature, lake, plan.as_of))
    aggregates: dict[str, ir.Value] = {}
    for number, metric in enumerate(plan.metrics):
        for prefix, day in _windows(number, metric, beside.day):
            window = Window(metric.window_days, day, prefix)
            given = InWindow(metric, beside, window)
            aggregates |= metric_kind(metric.kind).aggregates(given)
        if predictions.wants_model(metric):
            aggregates |= predictions.aggregates(number, metric, beside, beside.day)
    keys = ["learner", "unit", "variant", "exposed_us", *known_apart(plan.strata)]
    row = beside.group_by(keys).aggregate(n_events=beside.kind.count(), **aggregates)
    values: dict[str, ir.Value] = {}
    for number, metric in enumerate(plan.metrics):
        values |= _values(number, metric, row, norms)
    # In a fixed order, so that sums of floats come out the same whenever they are computed again.
    return row.select(*keys, **values).order_by("learner")


def _events_beside(plan: AnalysisPlan, lake: Lake, people: ir.Table) -> ir.Table:
    """The learners' events around their first exposure; ``day`` 0 begins with it."""
    longest = max(metric.window_days for metric in plan.metrics)
    back = max(
        metric.window_days * (2 if predictions.wants_model(metric) else 1)
        for metric in plan.metrics
    )
    earliest = plan.started_at - timedelta(days=back)
    events = lake.table("events")
    near = events.filter(
        events.occurred_at >= ibis.literal(earliest),
        events.occurred_at < ibis.literal(plan.as_of),
    ).select("learner", "kind", "value", at_us=epoch_us(events.occurred_at))
    joined = people.left_join(
        near,
        [
            people.learner == near.learner,
            near.at_us >= people.exposed_us - back * DAY_US,
            near.at_us < people.exposed_us + longest * DAY_US,
        ],
    )
    return joined.mutate(day=days_between(joined.exposed_us, joined.at_us))


def _windows(
    number: int, metric: MetricPlan, day: ir.IntegerColumn
) -> tuple[tuple[str, ir.IntegerColumn], tuple[str, ir.IntegerColumn]]:
    """The outcome window and the equally long covariate window before it, each from its day 0."""
    return (f"m{number}_after_", day), (f"m{number}_before_", day + metric.window_days)


def _values(
    number: int, metric: MetricPlan, row: ir.Table, norms: Norms | None
) -> dict[str, ir.Value]:
    kind = metric_kind(metric.kind)
    if kind.collects != "moments":
        return {}
    after = dict(kind.values(PerLearner(metric, row, f"m{number}_after_", norms)))
    before = kind.values(PerLearner(metric, row, f"m{number}_before_", norms))
    found = after | {_BEFORE[name]: before[name] for name in _BEFORE if name in before}
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


def latest_received(plan: AnalysisPlan, lake: Lake) -> datetime | None:
    """When the youngest row arrived, of those that happened before the look."""
    events, exposures = lake.table("events"), lake.table("exposures")
    as_of = ibis.literal(plan.as_of)
    latest = [
        events.filter(events.occurred_at < as_of).received_at.max().to_pyarrow().as_py(),
        exposures.filter(exposures.exposed_at < as_of).received_at.max().to_pyarrow().as_py(),
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
