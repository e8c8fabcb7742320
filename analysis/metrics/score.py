"""The Energize Score in the window, split into its components."""

from collections.abc import Mapping

from ibis.expr import types as ir

from analysis.energize.components import point_values
from analysis.energize.facts import fact_aggregates, facts
from analysis.metrics.kind import OUTCOME, InWindow, MetricKind, PerLearner


def _aggregates(given: InWindow) -> Mapping[str, ir.Value]:
    return fact_aggregates(given.events, given.window)


def _values(given: PerLearner) -> Mapping[str, ir.Value]:
    days = given.metric.window_days
    if given.norms is None:
        raise ValueError(f"metric {given.metric.key}: the score needs norms")
    points = point_values(facts(given.row, days, given.prefix), given.norms, days)
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
