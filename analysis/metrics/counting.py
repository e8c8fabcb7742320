"""Counting events: how many, how much together, and whether any at all."""

from collections.abc import Mapping

import ibis
from ibis.expr import types as ir

from analysis.engines.functions import from_millionths, sum_millionths
from analysis.kinds import DEFAULT_VALUES
from analysis.metrics.kind import OUTCOME, InWindow, MetricKind, PerLearner


def _matching(given: InWindow) -> ir.BooleanColumn:
    return given.window.inside & given.events.kind.isin(given.metric.event_kinds)


def _count(given: InWindow) -> Mapping[str, ir.Value]:
    return {f"{given.window.prefix}n": given.events.kind.count(where=_matching(given))}


def _sum(given: InWindow) -> Mapping[str, ir.Value]:
    usual = given.events.kind.cases(*DEFAULT_VALUES.items(), else_=0.0)
    amount = ibis.coalesce(given.events.value, usual)
    return {f"{given.window.prefix}sum": sum_millionths(amount, _matching(given))}


def _number(given: PerLearner) -> Mapping[str, ir.Value]:
    return {OUTCOME: given.row[f"{given.prefix}n"]}


def _total(given: PerLearner) -> Mapping[str, ir.Value]:
    return {OUTCOME: from_millionths(given.row[f"{given.prefix}sum"].fill_null(0))}


def _whether_any(given: PerLearner) -> Mapping[str, ir.Value]:
    return {OUTCOME: (given.row[f"{given.prefix}n"] > 0).cast("float64")}


COUNT = MetricKind(
    name="count",
    meaning="number of events of the named kinds in the window",
    aggregates=_count,
    values=_number,
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
    values=_whether_any,
    can_cap=False,
)
