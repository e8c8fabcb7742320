"""The Energize Score in the window, split into its components."""

from collections.abc import Mapping

from ibis.expr import types as ir

from analysis.energize.components import point_values
from analysis.energize.facts import Window, fact_aggregates, facts
from analysis.energize.norms import Norms
from analysis.metrics.kind import OUTCOME, MetricKind
from analysis.plan import MetricPlan


def _aggregates(metric: MetricPlan, events: ir.Table, window: Window) -> Mapping[str, ir.Value]:  # noqa: ARG001 - the score counts what its norms say, not what the metric names
    return fact_aggregates(events, window)


def _values(
    metric: MetricPlan, row: ir.Table, prefix: str, norms: Norms | None
) -> Mapping[str, ir.Value]:
    if norms is None:
        raise ValueError(f"metric {metric.key}: the score needs norms")
    points = point_values(facts(row, metric.window_days, prefix), norms, metric.window_days)
    return {OUTCOME: points.pop("score"), **points}


KIND = MetricKind(
    name="score",
    meaning="Energize Score in the window, 0 to 100 points",
    aggregates=_aggregates,
    values=_values,
    needs_kinds=False,
    needs_norms=True,
    can_cap=False,  # it is bounded already, and a cap would break the sum of its components
)
