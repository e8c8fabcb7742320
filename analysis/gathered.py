"""Statistics of every metric, by variant, segment and stratum, from one row a learner."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from ibis.expr import types as ir

from analysis.engines.functions import DAY_US
from analysis.lake.reader import Lake
from analysis.lives import gather_lives
from analysis.metrics import metric_kind
from analysis.metrics.time_to_event import FIRST
from analysis.plan import AnalysisPlan, MetricPlan
from analysis.predictions import predicted, wants_model
from analysis.quantiles import gather_quantiles, no_values
from analysis.segments import SEGMENTS, by_level, by_segment, by_stratum, known_apart
from analysis.statistics.clusters import ClusterSums
from analysis.statistics.collected import (
    COVARIATE,
    COVARIATE_DENOMINATOR,
    DENOMINATOR,
    OUTCOME,
    Statistic,
)
from analysis.statistics.gather import Wanted, fold, gather_all, gather_all_cluster_sums
from analysis.statistics.life import LifeTable
from analysis.statistics.moments import Moments
from analysis.tallies import after

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_COLUMNS: Final = (OUTCOME, COVARIATE, DENOMINATOR, COVARIATE_DENOMINATOR)


def to_us(at: datetime) -> int:
    """A time as microseconds since 1970, exactly."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def is_mature(plan: AnalysisPlan, learners: ir.Table, metric: MetricPlan) -> ir.BooleanValue:
    """Whether a learner's window for this metric is complete."""
    return learners.exposed_us + metric.window_days * DAY_US <= to_us(plan.as_of)


def mature_learners(plan: AnalysisPlan, learners: ir.Table, metric: MetricPlan) -> ir.Table:
    """The learners whose window for this metric is complete."""
    return learners.filter(is_mature(plan, learners, metric))


def columns_of(learners: ir.Table, number: int) -> dict[str, str]:
    """Statistic's column -> the learners' column, of one metric."""
    prefix = f"m{number}_"
    names = [name for name in learners.columns if name.startswith(prefix)]
    plain = {name.removeprefix(prefix): name for name in names}
    first = [name for name in FIRST_COLUMNS if name in plain]
    rest = [name for name in plain if name not in FIRST_COLUMNS]
    return {name: plain[name] for name in (*first, *rest)}


@dataclass(frozen=True)
class Gathered:
    """Metric -> variant -> statistic, and the same by segment and level."""

    metrics: dict[str, dict[str, Statistic]]
    segments: dict[str, dict[str, dict[str, dict[str, Statistic]]]]


def gather_metrics(plan: AnalysisPlan, learners: ir.Table) -> Gathered:
    """Every metric, by variant and by segment."""
    wanted = {
        metric.key: Wanted(columns_of(learners, number), is_mature(plan, learners, metric))
        for number, metric in enumerate(plan.metrics)
        if metric_kind(metric.kind).collects == "moments"
    }
    return (_gather_teams if plan.unit_kind == "team" else _gather_learners)(plan, learners, wanted)


def _gather_learners(
    plan: AnalysisPlan, learners: ir.Table, wanted: Mapping[str, Wanted]
) -> Gathered:
    """In one query: the finest groups are added up to variants, segments and strata."""
    gathered = gather_all(learners, ["variant", *known_apart(plan.strata)], wanted)
    with_model = {metric.key for metric in plan.metrics if wants_model(metric)}
    found = Gathered({}, {})
    for name, metric in wanted.items():
        cells = {key: group[name] for key, group in gathered.items() if name in group}
        columns = tuple(metric.columns)
        if name in with_model:
            cells = predicted(cells)
            columns = next((cell.columns for cell in cells.values()), (OUTCOME, COVARIATE))
        whole = fold(cells, (0,))
        found.metrics[name] = {
            variant: by_stratum(cells, variant, plan.strata, columns)
            if plan.strata
            else whole.get((variant,), Moments.empty(columns))
            for variant in plan.variants
        }
        found.segments[name] = {
            segment: by_segment(cells, at) for at, segment in enumerate(SEGMENTS)
        }
    return found


def add_lives(plan: AnalysisPlan, known: ir.Table, into: Gathered) -> None:
    """Add the metrics that need life tables: those count learners whose window is not complete."""
    for number, metric in enumerate(plan.metrics):
        if metric_kind(metric.kind).collects != "life":
            continue
        by = ["variant", *SEGMENTS]
        cells = gather_lives(metric, known, after(number) + FIRST, to_us(plan.as_of), by)
        whole = fold(cells, (0,))
        none = LifeTable.of(metric.window_days, ())
        into.metrics[metric.key] = {
            variant: whole.get((variant,), none) for variant in plan.variants
        }
        into.segments[metric.key] = {
            segment: by_segment(cells, at) for at, segment in enumerate(SEGMENTS)
        }


def add_quantiles(plan: AnalysisPlan, lake: Lake, people: ir.Table, into: Gathered) -> None:
    """Add the metrics that are quantiles; without segments, because quantiles do not add up."""
    for metric in plan.metrics:
        if metric_kind(metric.kind).collects != "quantile":
            continue
        found = gather_quantiles(metric, lake, people, to_us(plan.as_of))
        none = no_values(metric.quantile or 0.5)
        into.metrics[metric.key] = {variant: found.get(variant, none) for variant in plan.variants}


def _gather_teams(plan: AnalysisPlan, learners: ir.Table, wanted: Mapping[str, Wanted]) -> Gathered:
    """In a query each, because a team's learners are in several segments."""
    gathered = gather_all_cluster_sums(learners, ["variant"], "unit", wanted)
    found = Gathered({}, {name: {} for name in wanted})
    for name, metric in wanted.items():
        none = ClusterSums.empty(tuple(metric.columns))
        found.metrics[name] = {
            variant: gathered.get((variant,), {}).get(name, none) for variant in plan.variants
        }
    for segment in SEGMENTS:
        cells = gather_all_cluster_sums(learners, ["variant", segment], "unit", wanted)
        for name in wanted:
            mine = {key: group[name] for key, group in cells.items() if name in group}
            found.segments[name][segment] = by_level(mine)
    return found
