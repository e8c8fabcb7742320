"""Quantiles of events' values: the median rating, the 90th percentile of a sale."""

from collections.abc import Mapping

from ibis.expr import types as ir

from analysis.metrics.kind import InWindow, MetricKind, PerLearner


def _nothing(_given: InWindow | PerLearner) -> Mapping[str, ir.Value]:
    return {}


KIND = MetricKind(
    name="quantile",
    meaning="a quantile of the values of all events of the named kinds in the window",
    aggregates=_nothing,
    values=_nothing,
    can_cap=False,
    needs=("quantile",),
    collects="quantile",
)
