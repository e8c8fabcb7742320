"""What effects cost: extra money per unit gained, and what is left of its value."""

from collections.abc import Mapping
from dataclasses import replace

from .across.cost import cost_per_unit
from .contrast import Contrast
from .estimate import Compared, with_estimates
from .levels import MetricLevel
from .plan import AnalysisPlan
from .results import Cost, MetricResult, NotEstimable

_TINIEST = 1e-50  # an error that cannot be squared makes no interval


def with_costs(
    plan: AnalysisPlan, result: MetricResult, compared: Compared, level: MetricLevel
) -> MetricResult:
    """The result with what each treatment's effect costs, where the plan knows prices.

    Asked of the primary, and of every metric whose unit has a value. The intervals are as wide as
    those of the effects beside them.
    """
    if not plan.costs or (result.role != "primary" and result.value_per_unit is None):
        return result
    prices = dict(zip(plan.variants, plan.costs, strict=True))
    return with_estimates(
        result, lambda each: replace(each, cost=_cost(compared, each.variant, prices, level))
    )


def _cost(
    compared: Compared, variant: str, prices: Mapping[str, float], level: MetricLevel
) -> Cost | None:
    extra = prices[variant] - prices[compared.control]
    contrast = compared.contrasts[variant]
    if not isinstance(contrast, Contrast) or not _TINIEST < contrast.se < 1 / _TINIEST:
        return None
    worth = compared.metric.value_per_unit
    found = cost_per_unit(
        contrast,
        extra,
        level.z[variant],
        value_per_unit=None if worth is None else abs(worth),
        sign=compared.sign,
    )
    if isinstance(found, NotEstimable):
        return None
    return Cost(
        extra=found.extra_cost,
        per_unit=found.per_unit,
        low=found.low,
        high=found.high,
        pays=found.pays,
        net_value=found.net_value,
        net_low=found.net_low,
        net_high=found.net_high,
    )
