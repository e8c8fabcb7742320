"""Within-subject sequencing: each unit meets every treatment, one after another, in some order.

The order is hashed once; the calendar then says which period it is. A unit is its own comparison,
so that far fewer are needed, as long as a treatment's effect ends with its period.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import permutations
from typing import Any, Final

from analysis.metrics import METRIC_KINDS
from experiment_server.experiments.designs import parallel
from experiment_server.experiments.designs.kind import Arm, Design, Kind, Split
from experiment_server.metrics.models import Metric
from experiment_server.problems import FieldError

COUNTERBALANCED: Final = "counterbalanced"
RANDOM: Final = "random"
MOST_TREATMENTS: Final = {COUNTERBALANCED: 6, RANDOM: 4}
EVEN: Final = 1e-9

NO_OUTCOME_BY_PERIOD: Final = tuple(kind.name for kind in METRIC_KINDS if not kind.is_one_number)
"""Kinds of metric that are not one number a learner and period."""

Orders = list[list[str]]


def williams(treatments: Sequence[str]) -> Orders:
    """Orders in which every treatment stands in each period and after each other equally often.

    An even number of treatments needs as many orders as it has; an odd one twice as many.

    Example:
        >>> williams(["a", "b", "c", "d"])[0]
        ['a', 'b', 'd', 'c']
    """
    n = len(treatments)
    zigzag = [0] + [(k + 1) // 2 if k % 2 else n - k // 2 for k in range(1, n)]
    rows = [[(place + shift) % n for place in zigzag] for shift in range(n)]
    if n % 2:
        rows += [row[::-1] for row in rows]
    return [[treatments[place] for place in row] for row in rows]


def orders_of(treatments: Sequence[str], how: str) -> Orders:
    """The orders that units are shared out among, each with the same share.

    ``random`` takes every order there is, so that each unit's is drawn at random from all of them.
    """
    if how == RANDOM:
        return [list(order) for order in permutations(treatments)]
    return williams(treatments)


def order_key(number: int) -> str:
    """The key of an order, by its index."""
    return f"order-{number + 1}"


def variant_key(order: int, period: int) -> str:
    """The key of what one order's units meet in one period, by their indexes."""
    return f"{order_key(order)}/{period + 1}"


def split(design: Design, since_start: timedelta) -> Split:
    """Every order by the same share, at the variant of the current period."""
    plan = design["crossover"]
    orders: Orders = plan["orders"]
    n_periods = len(orders[0])
    period = since_start // timedelta(days=plan["period_days"])
    arms = [Arm(order_key(number), 1 / len(orders)) for number in range(len(orders))]
    now: dict[str, int] = {}
    if period < n_periods:
        now = {arm.key: period * len(orders) + index for index, arm in enumerate(arms)}
    return Split(_variants(design), arms, now, remembers=False)


def _variants(design: Design) -> list[dict[str, Any]]:
    """What each order meets in each period, period by period.

    Each has a place of its own, so that SDKs take what a unit meets next for something new, and log
    it, although the unit's order stays.
    """
    known = {variant["key"]: variant for variant in design["variants"]}
    orders: Orders = design["crossover"]["orders"]
    return [
        {
            "key": variant_key(number, period),
            "title": f"{known[order[period]]['title']}, period {period + 1} of {order_key(number)}",
            "payload": known[order[period]]["payload"],
        }
        for period in range(len(orders[0]))
        for number, order in enumerate(orders)
    ]


def _errors(design: Design, metrics: Mapping[str, Metric]) -> list[FieldError]:
    errors = parallel.variant_errors(design)
    plan, n_treatments = design["crossover"], len(design["variants"])
    most = MOST_TREATMENTS[plan["order"]]
    if n_treatments > most:
        remedy = "Leave some out; counterbalanced orders hold up to 6 treatments."
        expected = f"at most {most} in {plan['order']} orders"
        errors.append(FieldError("variants", f"{n_treatments} treatments", expected, remedy))
    weights = [variant["weight"] for variant in design["variants"]]
    if weights and max(weights) - min(weights) > EVEN * max(weights):
        remedy = "Leave the weights out: every unit meets every treatment for one period."
        errors.append(FieldError("variants", "unequal weights", "the same weight each", remedy))
    return errors + _metric_errors(design, metrics) + _length_errors(design, metrics)


def _metric_errors(design: Design, metrics: Mapping[str, Metric]) -> list[FieldError]:
    """Metrics that cannot be compared within units."""
    return [
        FieldError(
            f"metrics[{index}].metric",
            f"{use['metric']}, of kind {metrics[use['metric']].kind}",
            "a metric that is one number a learner, such as a sum, a count or the score",
            "Choose another metric, or variants side by side.",
        )
        for index, use in enumerate(design["metrics"])
        if use["metric"] in metrics and metrics[use["metric"]].kind in NO_OUTCOME_BY_PERIOD
    ]


def _length_errors(design: Design, metrics: Mapping[str, Metric]) -> list[FieldError]:
    """Washouts and outcome windows that a period cannot hold."""
    plan = design["crossover"]
    left = plan["period_days"] - plan["washout_days"]
    if left < 1:
        found, expected = f"{plan['washout_days']} days", "fewer days than a period has"
        return [FieldError("crossover.washout_days", found, expected, "Leave at least one day.")]
    return [
        FieldError(
            f"metrics[{index}].metric",
            f"{use['metric']}, which looks at {metrics[use['metric']].window_days} days",
            f"a metric whose window fits in the {left} days of a period after its washout",
            "Make the periods longer, or choose a metric with a shorter window.",
        )
        for index, use in enumerate(design["metrics"])
        if use["metric"] in metrics and metrics[use["metric"]].window_days > left
    ]


def _complete(design: Design) -> dict[str, Any]:
    keys = [variant["key"] for variant in design["variants"]]
    plan = design["crossover"]
    return {
        **design,
        "variants": parallel.normalised(design["variants"]),
        "crossover": {**plan, "orders": orders_of(keys, plan["order"])},
    }


def _turns(design: Design) -> tuple[timedelta, ...]:
    plan = design["crossover"]
    n_periods = len(plan["orders"][0])
    return tuple(timedelta(days=plan["period_days"] * (k + 1)) for k in range(n_periods))


def _schedule(design: Design) -> dict[str, int]:
    """One look, when the last period is over."""
    plan = design["crossover"]
    return {"looks": 1, "first_after_days": plan["period_days"] * len(plan["orders"][0])}


def _structure(design: Design) -> dict[str, Any]:
    plan = design["crossover"]
    orders: Orders = plan["orders"]
    return {
        "period_days": plan["period_days"],
        "washout_days": plan["washout_days"],
        "orders": {order_key(number): order for number, order in enumerate(orders)},
        "variants": {
            variant_key(number, period): {
                "order": order_key(number),
                "period": period + 1,
                "treatment": treatment,
                "before": order[period - 1] if period else None,
            }
            for number, order in enumerate(orders)
            for period, treatment in enumerate(order)
        },
    }


KIND: Final = Kind(
    name="crossover",
    is_asked=lambda design: bool(design.get("crossover")),
    errors=_errors,
    complete=_complete,
    split=split,
    turns=_turns,
    schedule=_schedule,
    structure=_structure,
)
