"""Cost: what one more point, or one more sale, has cost."""

from dataclasses import dataclass

import numpy as np

from analysis.contrast import Contrast, critical_t
from analysis.quotient import quotient_interval
from analysis.results import NotEstimable

NO_COST = NotEstimable(
    "the variants cost the same",
    "name what a learner of each variant costs, control included",
)


@dataclass(frozen=True)
class CostPerUnit:
    """Money for one more unit of the metric, against the control."""

    extra_cost: float  # per learner, treatment minus control
    per_unit: float  # money per unit of the metric
    low: float | None  # None: the effect may be 0, so no price is too high
    high: float | None
    pays: bool | None  # the value is beyond the price, whatever the interval holds; None: open
    net_value: float | None = None  # per learner: value of the effect minus extra cost
    net_low: float | None = None
    net_high: float | None = None


def cost_per_unit(
    effect: Contrast,
    cost: float | Contrast,
    boundary_z: float,
    *,
    covariance: float = 0.0,
    value_per_unit: float | None = None,
    sign: int = 1,
) -> CostPerUnit | NotEstimable:
    """What one more unit of the metric costs, with Fieller's interval for the quotient.

    Args:
        effect: of the metric.
        cost: extra money per learner of the treatment: a price that is known, or the contrast of a
            cost that was measured per learner.
        boundary_z: how many standard errors the interval is wide, as a normal score.
        covariance: of the estimated effect and the estimated cost.
        value_per_unit: what a unit of the metric is worth, in the same money.
        sign: 1 when more of the metric is better, -1 when less is.
    """
    if isinstance(cost, Contrast):
        extra, cost_variance = cost.effect, cost.se**2
    elif cost == 0:
        return NO_COST
    else:
        extra, cost_variance = float(cost), 0.0
    gain = sign * effect.effect
    if gain == 0:
        return NotEstimable("the effect is 0", "wait until the estimate moves off 0")
    critical = critical_t(boundary_z, effect.df)
    shared = sign * covariance
    errors = np.array([[cost_variance, shared], [shared, effect.se**2]])
    bounds = quotient_interval(extra, gain, errors, critical)
    low, high = bounds if bounds is not None else (None, None)
    price = CostPerUnit(extra, extra / gain, low, high, None)
    if value_per_unit is None:
        return price
    net = value_per_unit * gain - extra
    spread = value_per_unit**2 * effect.se**2 - 2 * value_per_unit * shared + cost_variance
    reach = critical * float(max(spread, 0.0) ** 0.5)
    pays = True if net - reach > 0 else False if net + reach < 0 else None
    return CostPerUnit(
        extra,
        extra / gain,
        low,
        high,
        pays,
        net_value=net,
        net_low=net - reach,
        net_high=net + reach,
    )
