"""Counting events: how many, how much together, and whether any at all."""

from collections.abc import Mapping

import ibis
from ibis.expr import types as ir

from analysis.energize.facts import Window
from analysis.energize.norms import Norms
from analysis.kinds import DEFAULT_VALUES
from analysis.metrics.kind import MetricKind, no_parts
from analysis.plan import MetricPlan


def _matching(metric: MetricPlan, events: ir.Table, window: Window) -> ir.BooleanColumn:
    return window.inside & events.kind.isin(metric.event_kinds)


def _count(metric: MetricPlan, events: ir.Table, window: Window) -> Mapping[str, ir.Value]:
    return {f"{window.prefix}n": events.kind.count(where=_matching(metric, events, window))}


def _sum(metric: MetricPlan, events: ir.Table, window: Window) -> Mapping[str, ir.Value]:
    usual = events.kind.cases(*DEFAULT_VALUES.items(), else_=0.0)
    amount = ibis.coalesce(events.value, usual)
    return {f"{window.prefix}sum": amount.sum(where=_matching(metric, events, window))}


def _n(
    metric: MetricPlan,  # noqa: ARG001
    row: ir.Table,
    prefix: str,
    norms: Norms | None,  # noqa: ARG001
) -> Mapping[str, ir.Value]:
    return no_parts(row[f"{prefix}n"])


def _total(
    metric: MetricPlan,  # noqa: ARG001
    row: ir.Table,
    prefix: str,
    norms: Norms | None,  # noqa: ARG001
) -> Mapping[str, ir.Value]:
    return no_parts(row[f"{prefix}sum"].fill_null(0.0))


def _any(
    metric: MetricPlan,  # noqa: ARG001
    row: ir.Table,
    prefix: str,
    norms: Norms | None,  # noqa: ARG001
) -> Mapping[str, ir.Value]:
    return no_parts((row[f"{prefix}n"] > 0).cast("float64"))


COUNT = MetricKind(
    name="count",
    meaning="number of events of the named kinds in the window",
    aggregates=_count,
    values=_n,
)
SUM = MetricKind(
    name="sum",
    meaning="sum of the values of the named kinds in the window; no events: 0",
    aggregates=_sum,
    values=_total,
)
PROPORTION = MetricKind(
    name="proportion",
    meaning="1 when any event of the named kinds falls into the window, else 0",
    aggregates=_count,
    values=_any,
    can_cap=False,
)
