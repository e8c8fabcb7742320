"""Winsorising: one enormous outcome must not decide, and people should see whether it did."""

from typing import Final

import ibis
from ibis.expr import types as ir

from analysis.gathered import is_mature
from analysis.metrics import metric_kind
from analysis.plan import AnalysisPlan, MetricPlan
from analysis.statistics.collected import COVARIATE, OTHER_CAP, OUTCOME

USUAL_QUANTILE: Final = 0.99
"""Where outcomes without a cap are capped, only to show what difference it would make."""


def clamped(metric: MetricPlan, value: ir.Value) -> ir.Value:
    """An outcome within the metric's floor and cap."""
    if metric.floor is not None:
        value = ibis.greatest(value, metric.floor)
    return value if metric.cap is None else ibis.least(value, metric.cap)


def is_capped(metric: MetricPlan) -> bool:
    """Whether the plan changes outcomes that lie far out."""
    return any(limit is not None for limit in (metric.floor, metric.cap, metric.cap_quantile))


def winsorised(plan: AnalysisPlan, learners: ir.Table) -> ir.Table:
    """The learners with outcomes and covariates capped at their pooled quantiles.

    The caps come from the mature learners of ALL variants together: a cap of each variant's own
    would take a part of the effect away. They are numbers before they are used, so that all
    statistics of a look are made with the same ones.
    """
    quantiles = {
        f"m{number}_{name}": (
            learners[f"m{number}_{name}"].quantile(share, where=is_mature(plan, learners, metric))
        )
        for number, metric in enumerate(plan.metrics)
        for name, share in _shares(metric).items()
    }
    if not quantiles:
        return learners
    caps = learners.aggregate(**quantiles).to_pyarrow().to_pylist()[0]
    return learners.mutate(
        **{
            column: ibis.least(learners[column], cap)
            for column, cap in caps.items()
            if cap is not None
        }
    )


def _shares(metric: MetricPlan) -> dict[str, float]:
    """Which columns of a metric are capped at which of their quantiles."""
    kind = metric_kind(metric.kind)
    if not kind.can_cap or kind.collects != "moments":
        return {}
    if metric.cap_quantile is not None:
        return {OUTCOME: metric.cap_quantile, COVARIATE: metric.cap_quantile}
    return {} if is_capped(metric) else {OTHER_CAP: USUAL_QUANTILE}
