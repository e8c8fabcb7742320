"""The pass over the lake for a crossover: outcomes by unit and period."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final

import ibis
from ibis.expr import types as ir

from analysis.collect import check_plan, latest_received, learner_outcomes
from analysis.energize.norms import Norms
from analysis.engines.functions import DAY_US
from analysis.exposed import exposures_of
from analysis.gathered import to_us
from analysis.lake.reader import Lake
from analysis.metrics import metric_kind
from analysis.plan import AnalysisPlan, CrossoverPlan, MetricPlan
from analysis.statistics.collected import OUTCOME, ByOrder, Collected
from analysis.statistics.gather import Wanted, gather_all
from analysis.statistics.moments import Moments
from analysis.winsorise import winsorised

_PERIOD: Final = "period_{}"


def collect(plan: AnalysisPlan, lake: Lake, norms: Norms | None = None) -> Collected:
    """What the lake knows of a crossover, as moments of each order's units by period.

    Periods are those of the calendar, and a unit counts for the treatment that its order gives it
    then, whatever it met and however late (intention to treat). Its outcome in a period is the
    metric's window from the end of the washout days on; a team's is its learners' mean. Units that
    came after the first period have not met everything, and are left out.

    Raises:
        ValueError: the plan names no crossover, or a metric that has no outcome by period.
    """
    design = plan.crossover
    if design is None:
        raise ValueError("crossover: the plan names none; use analysis.collect for side by side")
    check_plan(plan, norms)
    # Units are compared with themselves: what sets them apart from others plays no part.
    plan = replace(plan, strata=())
    for metric in plan.metrics:
        _refuse_misfit(metric, design)
    met = _placed(plan, design, exposures_of(plan, lake)).cache()
    units = _units(plan, design, met).cache()
    present = units.filter(units.n_orders == 1, units.first_us < _start(plan, design, 1))
    people = _people(met, present)
    with learner_outcomes(plan, lake, norms, _by_period(plan, design, people)).cache() as found:
        metrics = _gather(plan, design, winsorised(plan, found))
    whole = metrics.get(plan.primary.key, {})
    n_units = sum(moments.n for moments in whole.values())
    return Collected(
        n_exposed=_n_met(plan, design, met),
        n_mature=dict.fromkeys(plan.variants, n_units),
        n_learners=dict.fromkeys(plan.variants, n_units),
        n_crossed=_count(units.filter(units.n_orders > 1)),
        metrics={},
        latest_received_at=latest_received(plan, lake),
        by_order=ByOrder(
            metrics=metrics,
            n_exposed=_n_by_order(design, present),
            n_late=_count(units.filter(units.n_orders == 1)) - _count(present),
            n_switched=_count(units.filter(units.n_orders == 1, units.switched)),
        ),
    )


def _refuse_misfit(metric: MetricPlan, design: CrossoverPlan) -> None:
    kind = metric_kind(metric.kind)
    if not kind.is_one_number:
        raise ValueError(
            f"metric {metric.key}: kind {metric.kind} has no outcome by period; in a crossover use"
            " one number a learner, such as a sum, a count, a share or the score"
        )
    left = design.period_days - design.washout_days
    if metric.window_days > left:
        raise ValueError(
            f"metric {metric.key}: window_days is {metric.window_days}, but after its washout a"
            f" period has {left}; choose a shorter window or longer periods"
        )


def _start(plan: AnalysisPlan, design: CrossoverPlan, period: int) -> int:
    """When a period begins, from 0, in microseconds since 1970."""
    return to_us(plan.started_at + timedelta(days=period * design.period_days))


def _window_start(plan: AnalysisPlan, design: CrossoverPlan, period: int) -> int:
    return _start(plan, design, period) + design.washout_days * DAY_US


def _placed(plan: AnalysisPlan, design: CrossoverPlan, met: ir.Table) -> ir.Table:
    """Exposures with their order, treatment, and whether that was the one of the time."""
    places = design.places
    known = met.filter(met.variant.isin(sorted(places)))
    begun = known.exposed_us - _start(plan, design, 0)
    return known.mutate(
        order=_look_up(known.variant, {key: order for key, (order, _) in places.items()}),
        treatment=_look_up(
            known.variant,
            {key: design.orders[order][at - 1] for key, (order, at) in places.items()},
        ),
        switched=_look_up(known.variant, {key: str(at) for key, (_, at) in places.items()})
        != ((begun / (design.period_days * DAY_US)).floor().cast("int64") + 1).cast("string"),
    )


def _look_up(column: ir.StringColumn, names: Mapping[str, str]) -> ir.StringValue:
    found: ir.StringValue = ibis.cases(
        *((column == key, value) for key, value in sorted(names.items())), else_=""
    )
    return found


def _units(plan: AnalysisPlan, design: CrossoverPlan, met: ir.Table) -> ir.Table:
    """Each unit with its order and when it came; one that came after the end is none."""
    within = met.filter(met.exposed_us < _start(plan, design, design.n_periods))
    return within.group_by("unit").aggregate(
        n_orders=within.order.nunique(),
        order=within.order.min(),
        first_us=within.exposed_us.min(),
        switched=within.switched.any(),
    )


def _people(met: ir.Table, present: ir.Table) -> ir.Table:
    """The learners of these units, with what was known of them at their first exposure."""
    at = ibis.window(group_by="learner", order_by=["exposed_us", "event_id"])
    first = met.mutate(place=ibis.row_number().over(at))
    first = first.filter(first.place == 0).select("learner", "unit", "role", "region")
    joined = first.join(present.select("unit", variant="order"), "unit")
    return joined.select("learner", "unit", "variant", "role", "region")


def _by_period(plan: AnalysisPlan, design: CrossoverPlan, people: ir.Table) -> ir.Table:
    """A row for each learner and period, as if it were exposed when the period's window begins."""
    periods = [
        people.mutate(exposed_us=ibis.literal(_window_start(plan, design, at), "int64"))
        for at in range(design.n_periods)
    ]
    return ibis.union(*periods)


def _gather(
    plan: AnalysisPlan, design: CrossoverPlan, outcomes: ir.Table
) -> dict[str, dict[str, Moments]]:
    """Metric -> order -> moments; only metrics whose last window is complete."""
    last = _window_start(plan, design, design.n_periods - 1)
    found: dict[str, dict[str, Moments]] = {}
    for number, metric in enumerate(plan.metrics):
        if last + metric.window_days * DAY_US > to_us(plan.as_of):
            continue
        value = outcomes[f"m{number}_{OUTCOME}"]
        columns = {
            _PERIOD.format(at + 1): value.mean(
                where=outcomes.exposed_us == _window_start(plan, design, at)
            )
            for at in range(design.n_periods)
        }
        units = outcomes.group_by(["variant", "unit"]).aggregate(**columns)
        # In a fixed order, so that sums of floats come out the same.
        units = units.order_by("unit")
        gathered = gather_all(units, ["variant"], {metric.key: Wanted({c: c for c in columns})})
        found[metric.key] = {order: group[metric.key] for (order,), group in gathered.items()}
    return found


def _n_met(plan: AnalysisPlan, design: CrossoverPlan, met: ir.Table) -> dict[str, int]:
    within = met.filter(met.exposed_us < _start(plan, design, design.n_periods))
    counts = within.group_by("treatment").aggregate(n=within.unit.nunique())
    found = {row["treatment"]: int(row["n"]) for row in counts.to_pyarrow().to_pylist()}
    return {variant: found.get(variant, 0) for variant in plan.variants}


def _n_by_order(design: CrossoverPlan, present: ir.Table) -> dict[str, int]:
    counts = present.group_by("order").aggregate(n=present.count())
    found = {row["order"]: int(row["n"]) for row in counts.to_pyarrow().to_pylist()}
    return {order: found.get(order, 0) for order in design.orders}


def _count(table: ir.Table) -> int:
    return int(table.count().to_pyarrow().as_py())
