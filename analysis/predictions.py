"""Predictions from before: the covariate of metrics whose plan asks for a model (CUPAC)."""

from collections.abc import Mapping
from dataclasses import replace
from functools import reduce
from operator import add
from typing import Final

from ibis.expr import types as ir

from analysis.energize.facts import Window
from analysis.methods import cupac
from analysis.metrics import metric_kind
from analysis.metrics.kind import OUTCOME, InWindow, PerLearner
from analysis.metrics.presence import ACTIVE_DAYS, RETENTION
from analysis.plan import MetricPlan
from analysis.results import NotEstimable
from analysis.statistics.collected import COVARIATE
from analysis.statistics.gather import Key
from analysis.statistics.moments import Moments

_PRESENCE: Final = {"days": ACTIVE_DAYS, "still": RETENTION}
BEFORE: Final = (COVARIATE, "before_days", "before_still")
EARLIER: Final = ("earlier_own", "earlier_days", "earlier_still")
"""The same three features one window apart: the measure itself, active days, still there."""


def wants_model(metric: MetricPlan) -> bool:
    """Whether the metric's covariate is a prediction."""
    return metric.covariate == "model"


def refuse_misfit(metric: MetricPlan, unit_kind: str) -> None:
    """Refuse a model where there is nothing for it to predict.

    Raises:
        ValueError: says what to change.
    """
    if not wants_model(metric):
        return
    kind = metric_kind(metric.kind)
    if unit_kind == "team" or not kind.is_one_number:
        raise ValueError(
            f"metric {metric.key}: covariate is 'model', which needs learners as units and one "
            f"number a learner (kind {kind.name}, unit {unit_kind}); use covariate 'window'"
        )


def windows(number: int, metric: MetricPlan, day: ir.IntegerColumn) -> dict[str, Window]:
    """The two windows before exposure that features come from."""
    return {
        f"m{number}_{name}_seen_": Window(metric.window_days, day + shift * metric.window_days,
                                          f"m{number}_{name}_seen_")
        for name, shift in (("before", 1), ("earlier", 2))
    }  # fmt: skip


def aggregates(
    number: int, metric: MetricPlan, events: ir.Table, day: ir.IntegerColumn
) -> dict[str, ir.Value]:
    """What the features need, to be put into the grouped query."""
    found: dict[str, ir.Value] = {}
    any_kind = replace(metric, event_kinds=())
    for window in windows(number, metric, day).values():
        found |= ACTIVE_DAYS.aggregates(InWindow(any_kind, events, window))
    earlier = Window(metric.window_days, day + 2 * metric.window_days, f"m{number}_earlier_")
    return found | dict(metric_kind(metric.kind).aggregates(InWindow(metric, events, earlier)))


def features(number: int, given: PerLearner) -> dict[str, ir.Value]:
    """The learner's features besides the covariate itself.

    Args:
        number: the metric's place in the plan.
        given: the metric, the learners' rows and the norms.
    """
    any_kind = replace(given.metric, event_kinds=())
    found: dict[str, ir.Value] = {}
    for name in ("before", "earlier"):
        seen = replace(given, metric=any_kind, prefix=f"m{number}_{name}_seen_")
        for feature, kind in _PRESENCE.items():
            found[f"{name}_{feature}"] = kind.values(seen)[OUTCOME]
    own = replace(given, prefix=f"m{number}_earlier_")
    found["earlier_own"] = metric_kind(given.metric.kind).values(own)[OUTCOME]
    return found


def predicted(cells: Mapping[Key, Moments]) -> dict[Key, Moments]:
    """The cells with the model's prediction as their covariate, without its features.

    The model is fitted to all cells together, to the time before anybody was exposed: from the
    window before last it learned to predict the last; from the last it predicts the outcome.
    """
    if not cells:
        return {}
    columns = next(iter(cells.values())).columns
    kept = tuple(name for name in columns if name not in {*BEFORE[1:], *EARLIER})
    model = cupac.fit(
        reduce(add, (cells[key] for key in sorted(cells, key=str))), COVARIATE, EARLIER
    )
    if isinstance(model, NotEstimable):
        return {key: cell.only(kept) for key, cell in cells.items()}
    model = replace(model, features=BEFORE)
    return {key: cupac.predict(model, cell).only(kept) for key, cell in cells.items()}
