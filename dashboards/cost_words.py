"""Sentences about what an effect costs, and whether that pays."""

from analysis.results import Cost, Estimate, MetricResult
from dashboards import formats


def cost_sentence(metric: MetricResult, estimate: Estimate) -> str:
    """What one more unit costs, and what is left of its value; empty without prices."""
    cost = estimate.cost
    if cost is None:
        return ""
    parts = [_price(metric, cost), _net(metric, cost)]
    return " ".join(part for part in parts if part)


def _price(metric: MetricResult, cost: Cost) -> str:
    extra = _money(metric, abs(cost.extra))
    unit = {"points": "point"}.get(metric.unit_label, metric.unit_label) or "unit"
    better = "more" if metric.direction == "increase" else "less"
    if cost.extra < 0:
        return f"It saves {extra} a learner."
    text = f"It costs {extra} more a learner"
    if cost.per_unit <= 0:
        return f"{text} and has not moved the metric the good way, so no unit was gained for it."
    price = _money(metric, cost.per_unit)
    if cost.low is None or cost.high is None:
        return (
            f"{text}: {price} for each {unit} {better}, at a guess. The effect may be nothing, so "
            "no price is too high to be excluded."
        )
    span = f"{_money(metric, cost.low)} to {_money(metric, cost.high)}"
    return f"{text}: {price} for each {unit} {better} ({span})."


def _net(metric: MetricResult, cost: Cost) -> str:
    if cost.net_value is None or cost.net_low is None or cost.net_high is None:
        return ""
    decimals = formats.decimals_for(cost.net_low, cost.net_high)
    span = formats.interval(cost.net_low, cost.net_high, decimals)
    left = f"{formats.signed(cost.net_value, decimals)} {metric.currency}".rstrip()
    said = {
        True: "It pays",
        False: "It does not pay",
        None: "Whether it pays is open",
    }[cost.pays]
    return f"{said}: its value less its extra cost is {left} a learner ({span})."


def _money(metric: MetricResult, amount: float) -> str:
    return f"{formats.number(amount)} {metric.currency}".rstrip()
