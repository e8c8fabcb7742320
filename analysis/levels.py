"""Levels of each metric at one look: how far from 0 its intervals reach, and what that allows for.

Test and interval of a metric use the same level, so that they cannot contradict each other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import copysign

from .contrast import Contrast, critical_t, t_to_z
from .correct import benjamini_hochberg, fcr_share
from .methods.dunnett import adjusted_p_value, critical, loadings
from .plan import AnalysisPlan
from .sequential import Level, level_of_look

Contrasts = Mapping[str, Contrast]  # treatment -> contrast


@dataclass(frozen=True)
class MetricLevel:
    """How far from 0 one metric's estimates must be, in normal scores."""

    z: Mapping[str, float]  # treatment -> what its interval is made of
    correction: str = "none"  # none | bonferroni | dunnett | benjamini_hochberg
    p_adjusted: Mapping[str, float] = field(default_factory=dict)  # {}: the boundary stands for it


def one_level(treatments: Sequence[str], z: float, correction: str = "none") -> MetricLevel:
    """The same level for every treatment."""
    return MetricLevel(dict.fromkeys(treatments, z), correction)


def is_one_look(plan: AnalysisPlan) -> bool:
    """Whether this look is the only one: then p values can be adjusted in closed form."""
    return plan.final and plan.look == 1 and plan.looks_planned == 1 and not plan.previous_looks


def primary_level(
    plan: AnalysisPlan, level: Level, contrasts: Contrasts, sign: int = 1
) -> MetricLevel:
    """Of the primary: Dunnett with one look, Bonferroni with several.

    Dunnett's gain comes from the correlation of treatments at one look. Over several looks the
    joint distribution is one of looks times treatments, and taking the one-look gain at each of
    them would spend more than alpha; dividing alpha before it is spent does not.
    """
    n_treatments = len(plan.variants) - 1
    correction = "bonferroni" if n_treatments > 1 else "none"
    # Dunnett's correlations are those of separate groups; a crossover's treatments share theirs.
    separate = plan.crossover is None and len(contrasts) == n_treatments
    if not is_one_look(plan) or not separate:
        return one_level(tuple(contrasts), level.boundary_z, correction)
    shared = loadings(tuple(contrasts.values()))
    found = {
        key: adjusted_p_value(sign * _t(c), shared, c.df, plan.sides)
        for key, c in contrasts.items()
    }
    if n_treatments == 1:
        return replace(one_level(tuple(contrasts), level.boundary_z), p_adjusted=found)
    bars = {
        key: t_to_z(critical(shared, c.df, plan.alpha, plan.sides), c.df)
        for key, c in contrasts.items()
    }
    return MetricLevel(bars, "dunnett", found)


def _t(contrast: Contrast) -> float:
    """The t value of the contrast's own test, which need not be effect / se."""
    z = contrast.z
    return copysign(critical_t(abs(z), contrast.df), z)


def guardrail_level(plan: AnalysisPlan, level: Level, contrasts: Contrasts) -> MetricLevel:
    """Of a guardrail: all of alpha for each, because every one of them must be shown.

    To be shipped, a treatment has to pass the primary and all guardrails together, so none of them
    makes a false SHIP more likely. Looks are paid for as the primary's are.
    """
    if len(plan.variants) > 2:
        level = level_of_look(plan, level.information, 1)
    return one_level(tuple(contrasts), level.boundary_z)


def secondary_levels(
    plan: AnalysisPlan, level: Level, contrasts: Sequence[Contrasts]
) -> list[MetricLevel]:
    """Of the secondaries: Benjamini-Hochberg over all of them and all treatments, for exploring.

    Over several looks a finding is one that passes the look's own boundary at its share of alpha.
    """
    cells = [c for each in contrasts for c in each.values()]
    if not cells:
        return [one_level((), level.boundary_z) for _ in contrasts]
    two_sided = replace(plan, sides="two")
    found = len(cells)
    while True:
        # Step-up: down from "all are findings" until as many pass as the level was made for.
        z = level_of_look(two_sided, level.information, 1 / fcr_share(found, len(cells))).boundary_z
        passing = sum(abs(c.z) > z for c in cells)
        if passing >= found or found <= 1:
            break
        found = max(passing, 1)
    adjusted = iter(benjamini_hochberg([c.p_value for c in cells]) if is_one_look(plan) else ())
    return [
        MetricLevel(
            dict.fromkeys(each, z),
            "benjamini_hochberg",
            dict(zip(each, adjusted, strict=False)),
        )
        for each in contrasts
    ]


def metric_levels(
    plan: AnalysisPlan, level: Level, contrasts: Mapping[str, Contrasts]
) -> dict[str, MetricLevel]:
    """Each metric's level, by what the metric is for.

    Args:
        plan: roles and directions, alpha, looks.
        level: of this look.
        contrasts: metric key -> treatment -> contrast, those that could be estimated.
    """
    found = {}
    for metric in plan.metrics:
        if metric.role == "primary":
            sign = 1 if metric.direction == "increase" else -1
            found[metric.key] = primary_level(plan, level, contrasts[metric.key], sign)
        elif metric.role == "guardrail":
            found[metric.key] = guardrail_level(plan, level, contrasts[metric.key])
    secondary = [metric.key for metric in plan.metrics if metric.role == "secondary"]
    cells = [contrasts[key] for key in secondary]
    return found | dict(zip(secondary, secondary_levels(plan, level, cells), strict=True))
