"""Crossover: treatments compared within units, by the outcomes of each period."""

from collections.abc import Mapping
from dataclasses import replace

from analysis.checks.trust import Trust
from analysis.contrast import Contrast
from analysis.estimate import Compared
from analysis.methods import crossover
from analysis.methods.crossover import CrossoverEffects, Order
from analysis.plan import AnalysisPlan, CrossoverPlan, MetricPlan
from analysis.results import NotEstimable
from analysis.statistics.collected import Collected
from analysis.statistics.moments import Moments

NOT_OVER = NotEstimable(
    "the outcome window of the last period is not complete yet",
    "wait until the last period is over: a crossover is read once, at its end",
)
NOBODY = NotEstimable(
    "no unit was there in the first period",
    "check that exposures arrive from the start; who comes later has not met every treatment",
)


def compare_periods(plan: AnalysisPlan, metric: MetricPlan, collected: Collected) -> Compared:
    """One metric, every treatment against the first, within units."""
    cells = _cells(plan.crossover, collected, metric)
    found = _refusal(collected, metric, cells) or crossover.estimate(cells, plan.control)
    contrasts: dict[str, Contrast | NotEstimable] = {
        treatment: found.treatments[treatment] if isinstance(found, CrossoverEffects) else found
        for treatment in plan.variants[1:]
    }
    return Compared(metric, plan.control, contrasts, _spread(cells))


def by_order(plan: AnalysisPlan, collected: Collected, trust: Trust) -> Trust:
    """What trust depends on where orders were drawn; any other design's comes back as it is."""
    if plan.crossover is None or collected.by_order is None:
        return trust
    orders = tuple(plan.crossover.orders)
    return replace(
        trust,
        variants=orders,
        weights=tuple(1 / len(orders) for _ in orders),
        n_exposed=collected.by_order.n_exposed,
        primary=dict(collected.by_order.metrics.get(plan.primary.key, {})),
        arm="order",
        carry_over=carry_over(plan, collected),
    )


def carry_over(
    plan: AnalysisPlan, collected: Collected
) -> Mapping[str, Contrast | NotEstimable] | None:
    """How far each treatment lingers in the primary; None when nothing can be estimated."""
    cells = _cells(plan.crossover, collected, plan.primary)
    if not cells:
        return None
    found = crossover.estimate(cells, plan.control, carry_over=True)
    return found.carry_over if isinstance(found, CrossoverEffects) else None


def _cells(
    design: CrossoverPlan | None, collected: Collected, metric: MetricPlan
) -> dict[Order, Moments]:
    if design is None or collected.by_order is None:
        return {}
    found = collected.by_order.metrics.get(metric.key, {})
    return {design.orders[key]: moments for key, moments in found.items()}


def _refusal(
    collected: Collected, metric: MetricPlan, cells: Mapping[Order, Moments]
) -> NotEstimable | None:
    if collected.by_order is None or metric.key not in collected.by_order.metrics:
        return NOT_OVER
    return None if cells else NOBODY


def _spread(cells: Mapping[Order, Moments]) -> float:
    """The standard deviation over units in one period."""
    df = sum(cell.n - 1 for cell in cells.values())
    if df < 1:
        return 0.0
    squares = sum(float(cell.m2.trace()) / len(cell.columns) for cell in cells.values())
    return float((squares / df) ** 0.5)
