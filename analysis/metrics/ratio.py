"""Ratios over all learners: what events are worth on average, and how often one follows another."""

from collections.abc import Mapping

import ibis
from ibis.expr import types as ir

from analysis.engines.functions import from_millionths, sum_millionths
from analysis.kinds import DEFAULT_VALUES
from analysis.metrics.kind import OUTCOME, InWindow, MetricKind, PerLearner
from analysis.statistics.collected import DENOMINATOR


def _count_below(given: InWindow) -> dict[str, ir.Value]:
    kind = given.events.kind
    below = given.window.inside & kind.isin(given.metric.denominator_kinds)
    return {f"{given.window.prefix}below": kind.count(where=below)}


def _sum_above(given: InWindow) -> Mapping[str, ir.Value]:
    kind = given.events.kind
    above = given.window.inside & kind.isin(given.metric.event_kinds)
    usual = kind.cases(*DEFAULT_VALUES.items(), else_=0.0)
    amount = ibis.coalesce(given.events.value, usual)
    total = sum_millionths(amount, above)
    return {f"{given.window.prefix}above": total, **_count_below(given)}


def _count_above(given: InWindow) -> Mapping[str, ir.Value]:
    kind = given.events.kind
    above = given.window.inside & kind.isin(given.metric.event_kinds)
    return {f"{given.window.prefix}above": kind.count(where=above), **_count_below(given)}


def _both(given: PerLearner) -> Mapping[str, ir.Value]:
    return {
        OUTCOME: given.row[f"{given.prefix}above"],
        DENOMINATOR: given.row[f"{given.prefix}below"],
    }


def _amount_and_number(given: PerLearner) -> Mapping[str, ir.Value]:
    both = _both(given)
    return {**both, OUTCOME: from_millionths(both[OUTCOME].fill_null(0))}


RATIO = MetricKind(
    name="ratio",
    meaning="sum of the values of the named kinds over the number of events of the denominator's",
    aggregates=_sum_above,
    values=_amount_and_number,
    can_cap=False,
    needs=("denominator_kinds",),
)
RATE = MetricKind(
    name="rate",
    meaning="number of events of the named kinds over the number of events of the denominator's",
    aggregates=_count_above,
    values=_both,
    can_cap=False,
    needs=("denominator_kinds",),
)
