"""run_readout: from a plan and a lake to a decision. The one orchestrator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from .benefits import who_benefits
from .checks import check_all
from .checks.enough_units import n_units
from .checks.sample_ratio import count_segments
from .checks.trust import Trust
from .contrast import Contrast
from .costs import with_costs
from .decide import Evidence, decide
from .designs.compliers import on_compliers
from .designs.crossover import by_order, compare_periods
from .designs.factors import factor_effects
from .estimate import Compared, compare_all, estimate_metric
from .evidence import guardrails_of, treatments_of, with_standing
from .levels import MetricLevel, metric_levels
from .look import (
    chances_to_win,
    look_level,
    planned_se,
    sequential_at,
    stopped,
    with_chances,
)
from .methods import compare
from .methods.always_valid import two_sided_z
from .plan import AnalysisPlan
from .planning import is_over, with_planning
from .results import (
    ComponentEffect,
    ComponentSplit,
    NotEstimable,
    Readout,
    Sequential,
    TrendPoint,
)
from .sequential import Level, information, level_of_look
from .sizing.sizes import Duration, days_to_enrol
from .statistics.collected import COMPONENTS, WITHOUT_INCENTIVE, Collected, Statistic

if TYPE_CHECKING:
    from .energize.norms import Norms
    from .lake.reader import Lake

Collect = Callable[[AnalysisPlan, "Lake", "Norms | None"], Collected]

_PACE_DAYS = 7
_SECONDS_A_DAY = 86_400


def run_readout(
    plan: AnalysisPlan, lake: Lake, norms: Norms | None = None, collect: Collect | None = None
) -> Readout:
    """All estimates, checks and the decision at one look.

    Args:
        plan: what to compute, and as of when.
        lake: the events, pinned at a version.
        norms: the score's frozen scale; only plans with a score need it.
        collect: the pass over the lake; the default is ``analysis.collect.collect``.
    """
    if collect is None:
        collect = _collector(plan)
    return read(plan, collect(plan, lake, norms))


def _collector(plan: AnalysisPlan) -> Collect:
    """The pass over the lake that the design needs."""
    # The engine is heavy: only who reads a lake loads it.
    if plan.crossover is not None:
        from .designs.periods import collect as collect_periods

        return collect_periods
    from .collect import collect as collect_variants

    return collect_variants


def read(plan: AnalysisPlan, collected: Collected) -> Readout:
    """The readout of what one pass has brought back. No rows, no clock: milliseconds."""
    compared = {
        metric.key: compare_periods(plan, metric, collected)
        if plan.crossover is not None
        else compare_all(metric, plan.variants, collected.metrics.get(metric.key, {}))
        for metric in plan.metrics
    }
    primary = compared[plan.primary.key]
    level = look_level(plan, compared)
    levels = metric_levels(plan, level, {key: each.estimable for key, each in compared.items()})
    guardrails = guardrails_of(plan, compared, level, levels)
    metrics = tuple(
        with_costs(
            plan,
            with_standing(estimate_metric(each, levels[key]), guardrails),
            each,
            levels[key],
        )
        for key, each in compared.items()
    )
    checks = check_all(by_order(plan, collected, _trust(plan, collected, level)))
    chances = chances_to_win(plan, compared, level)
    sequential = _sequential(plan, compared, level, levels, collected, chances)
    evidence = Evidence(
        metric=plan.primary.title,
        unit_label=plan.primary.unit_label,
        control=plan.control,
        checks=checks,
        treatments=with_chances(
            treatments_of(
                list(compared.values()), metrics, level, plan.alpha, guardrails, plan.sides
            ),
            plan.primary.key,
            chances,
        ),
        not_estimable=_why_not(primary),
        information=level.information,
        minimum_effect=primary.minimum_effect,
        final=plan.final,
        ad_hoc=level.ad_hoc,
        days_running=(plan.as_of - plan.started_at).total_seconds() / _SECONDS_A_DAY,
        minimum_days=plan.minimum_days,
        days_left=sequential.days_left if sequential else None,
        care=primary.no_concern if plan.care is None else plan.care,
        titles=plan.titles,
    )
    decision = decide(evidence)
    if is_over(decision, plan.final):
        metrics = tuple(
            with_planning(metric, stopped(plan, compared[metric.key], level, levels[metric.key]))
            if metric.role in ("primary", "co_primary")
            else metric
            for metric in metrics
        )
    return Readout(
        experiment=plan.experiment,
        title=plan.title,
        domain=plan.domain,
        unit_kind=plan.unit_kind,
        variants=plan.variants,
        control=plan.control,
        as_of=plan.as_of.isoformat(),
        look=plan.look,
        looks_planned=plan.looks_planned,
        plan_fingerprint=plan.fingerprint(),
        lake_version=dict(plan.lake_version),
        definition_version=plan.definition_version,
        score_version=plan.score_version,
        n_exposed=dict(collected.n_exposed),
        n_mature=dict(collected.n_mature),
        decision=decision,
        metrics=metrics,
        checks=checks,
        sequential=sequential,
        component_splits=_splits(plan, collected),
        trend=_trend(plan, primary, collected),
        variant_titles=plan.titles,
        factor_effects=factor_effects(plan, collected, _alone(plan, level)),
        on_compliers=on_compliers(plan, collected, _alone(plan, level)),
        benefits=who_benefits(plan, primary, collected),
    )


# --- this look


def _sequential(
    plan: AnalysisPlan,
    compared: Mapping[str, Compared],
    level: Level,
    levels: Mapping[str, MetricLevel],
    collected: Collected,
    chances: Mapping[tuple[str, str], float],
) -> Sequential | None:
    primary = compared[plan.primary.key]
    if not primary.estimable:
        return None
    left = _days_left(level.information, collected)
    found = sequential_at(plan, compared, level, levels, chances)
    return replace(
        found,
        days_left=left.days if left else None,
        days_left_low=left.low if left else None,
        days_left_high=left.high if left else None,
    )


def _alone(plan: AnalysisPlan, level: Level) -> float:
    """How far an interval reaches that stands for itself at this look, as a normal score."""
    return level_of_look(plan, level.information, 1).boundary_z


def _days_left(information: float, collected: Collected) -> Duration | None:
    """Days until the planned precision, from the units that became complete of late."""
    n_now = sum(collected.n_learners.values())
    if information < 1 and not n_now:
        return None
    days = sorted(collected.trend)[-_PACE_DAYS - 1 :]
    counts = [sum(each.n_learners for each in collected.trend[day].values()) for day in days]
    missing = n_now * (1 / information - 1)
    return days_to_enrol(missing, [after - before for before, after in pairwise(counts)])


def _why_not(primary: Compared) -> str:
    reasons = [c.reason for c in primary.contrasts.values() if isinstance(c, NotEstimable)]
    return reasons[0] if reasons else ""


def _trust(plan: AnalysisPlan, collected: Collected, level: Level) -> Trust:
    return Trust(
        variants=plan.variants,
        weights=collected.shares or plan.weights,
        unit_kind=plan.unit_kind,
        n_exposed=collected.n_exposed,
        n_crossed=collected.n_crossed,
        primary=collected.metrics.get(plan.primary.key, {}),
        final=plan.final,
        window_days=plan.primary.window_days,
        as_of=plan.as_of,
        latest_received_at=collected.latest_received_at,
        segments=count_segments(collected.segments.get(plan.primary.key, {}), collected.n_mature),
        trend=collected.trend,
        boundary_z=level.boundary_z,
    )


# --- the score's parts, and the days


def _splits(plan: AnalysisPlan, collected: Collected) -> tuple[ComponentSplit, ...]:
    """The score's effect by component, for the primary or else for the first score of the plan.

    Each component is adjusted by the score's covariate with its own slope; slopes of parts add up
    to the slope of the whole, and so do the effects.
    """
    ordered = sorted(plan.metrics, key=lambda metric: metric.role != "primary")
    for metric in ordered:
        statistics = collected.metrics.get(metric.key, {})
        if plan.control in statistics and COMPONENTS[0] in statistics[plan.control].columns:
            return tuple(
                _split(variant, statistics[plan.control], statistics[variant])
                for variant in plan.variants[1:]
                if variant in statistics and _comparable(statistics[plan.control])
                if _comparable(statistics[variant])
            )
    return ()


def _comparable(statistic: Statistic) -> bool:
    return n_units(statistic) > 1


def _split(variant: str, control: Statistic, treatment: Statistic) -> ComponentSplit:
    parts = tuple(
        ComponentEffect(name, *_effect_and_se(control, treatment, name)) for name in COMPONENTS
    )
    if WITHOUT_INCENTIVE not in control.columns:
        return ComponentSplit(variant, parts)
    effect, se = _effect_and_se(control, treatment, WITHOUT_INCENTIVE)
    return ComponentSplit(variant, parts, effect, se)


def _effect_and_se(control: Statistic, treatment: Statistic, column: str) -> tuple[float, float]:
    contrast = compare(control, treatment, column)
    if isinstance(contrast, Contrast):
        return contrast.effect, contrast.se
    # A part that does not vary within variants moves the whole by the difference of its means.
    return treatment.mean_of(column) - control.mean_of(column), 0.0


def _trend(plan: AnalysisPlan, primary: Compared, collected: Collected) -> tuple[TrendPoint, ...]:
    """The primary's estimate day by day, with a band that may be read on every one of them."""
    if not primary.estimable:
        return ()
    planned = planned_se(plan, primary)
    alpha = plan.alpha / plan.n_tests
    points = []
    for day in sorted(collected.trend):
        control = collected.trend[day].get(plan.control)
        for variant in plan.variants[1:]:
            treatment = collected.trend[day].get(variant)
            if control is None or treatment is None:
                continue
            contrast = compare(control, treatment)
            if isinstance(contrast, NotEstimable):
                continue
            z = two_sided_z(information(planned, contrast.se), alpha)
            low, high = contrast.bounds(z)
            points.append(
                TrendPoint(
                    day=day,
                    variant=variant,
                    n=control.n_learners + treatment.n_learners,
                    effect=contrast.effect,
                    low=low,
                    high=high,
                )
            )
    return tuple(points)
