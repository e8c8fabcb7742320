"""Levels of each metric at one look: how far from 0 its intervals reach, and what that allows for.

Test and interval of a metric use the same level, so that they cannot contradict each other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import copysign

from .contrast import Contrast, critical_t, t_to_z
from .correct import benjamini_hochberg, fcr_share, holm
from .methods.dunnett import adjusted_p_value, critical, loadings
from .plan import AnalysisPlan
from .sequential import Level, Own, level_of_look, passes

Contrasts = Mapping[str, Contrast]  # treatment -> contrast


@dataclass(frozen=True)
class MetricLevel:
    """How far from 0 one metric's estimates must be, in normal scores."""

    z: Mapping[str, float]  # treatment -> what its interval is made of
    correction: str = "none"  # none | bonferroni | dunnett | holm | benjamini_hochberg
    p_adjusted: Mapping[str, float] = field(default_factory=dict)  # {}: the boundary stands for it
    shares: Mapping[str, int] = field(default_factory=dict)
    """Treatment -> by what alpha was divided for its test; {}: by the plan's number of tests."""


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


def primaries_levels(
    plan: AnalysisPlan, level: Level, contrasts: Mapping[str, Contrasts]
) -> dict[str, MetricLevel]:
    """Of the primary and its co-primaries: Holm over all of them and all treatments.

    Down step by step, at every look anew: alpha is divided by the number of tests; when some pass,
    the others are held to alpha divided by how many are left, until no more do. Each share of
    alpha is spent over the looks as if it had been so from the start (Maurer and Bretz 2013).
    Nothing is carried over from earlier looks: that a test passed there helps no other test here,
    which can only make a false finding rarer.

    Each interval is made at the share that its test was made at, last of all when it never passed.
    So it leaves 0 exactly when Holm finds the difference.
    """
    signs = {m.key: 1 if m.direction == "increase" else -1 for m in plan.metrics}
    cells = {
        (key, variant): signs[key] * contrast.z
        for key, each in contrasts.items()
        for variant, contrast in each.items()
    }
    bars: dict[tuple[str, str], tuple[float, int]] = {}
    left, share = set(cells), plan.n_tests
    while left:
        z = {key: _level_at(plan, level, key, share).boundary_z for key in {k for k, _ in left}}
        bars |= {cell: (z[cell[0]], share) for cell in left}
        passed = {cell for cell in left if passes(plan, cells[cell], z[cell[0]])}
        # What could not be estimated counts as a test all the same: it is one of those left.
        left, share = left - passed, share - len(passed)
        if not passed:
            break
    adjusted = _holm(plan, contrasts, signs)
    return {
        key: MetricLevel(
            {variant: bars[key, variant][0] for variant in each},
            "holm",
            {variant: adjusted[key, variant] for variant in each} if adjusted else {},
            {variant: bars[key, variant][1] for variant in each},
        )
        for key, each in contrasts.items()
    }


def _level_at(plan: AnalysisPlan, level: Level, key: str, share: int) -> Level:
    """This look's level for one of the primaries, with alpha divided by ``share``."""
    own = Own(key, level.of(key).information) if key in level.co_primaries else None
    return level_of_look(plan, level.information, share, own)


def own_share(
    plan: AnalysisPlan, level: Level, metric: str, shares: Mapping[str, int], variant: str
) -> tuple[Level, float]:
    """The level at which a treatment's test on a primary was made, and its share of alpha."""
    if variant not in shares:
        return level, plan.alpha / plan.n_tests
    share = shares[variant]
    return _level_at(plan, level, metric, share), plan.alpha / share


def _holm(
    plan: AnalysisPlan, contrasts: Mapping[str, Contrasts], signs: Mapping[str, int]
) -> dict[tuple[str, str], float]:
    """Adjusted p values where this look is the only one; {}: boundaries stand for them."""
    if not is_one_look(plan):
        return {}
    p_values = {
        (key, variant): _p_value(contrast, plan.sides, signs[key])
        for key, each in contrasts.items()
        for variant, contrast in each.items()
    }
    missing = [1.0] * (plan.n_tests - len(p_values))
    return dict(zip(p_values, holm([*p_values.values(), *missing]), strict=False))


def _p_value(contrast: Contrast, sides: str, sign: int) -> float:
    """Of a test made once, with the plan's sides."""
    if sides == "two":
        return contrast.p_value
    half = contrast.p_value / 2
    return half if sign * contrast.effect >= 0 else 1 - half


def _t(contrast: Contrast) -> float:
    """The t value of the contrast's own test, which need not be effect / se."""
    z = contrast.z
    return copysign(critical_t(abs(z), contrast.df), z)


def guardrail_level(plan: AnalysisPlan, level: Level, contrasts: Contrasts) -> MetricLevel:
    """Of a guardrail: all of alpha for each, because every one of them must be shown.

    To be shipped, a treatment has to pass the primary and all guardrails together, so none of them
    makes a false SHIP more likely. Looks are paid for as the primary's are.
    """
    if plan.n_tests > 1:
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
    if plan.co_primaries:
        family = (plan.primary, *plan.co_primaries)
        found = primaries_levels(plan, level, {each.key: contrasts[each.key] for each in family})
    for metric in plan.metrics:
        if metric.role == "primary" and not plan.co_primaries:
            sign = 1 if metric.direction == "increase" else -1
            found[metric.key] = primary_level(plan, level, contrasts[metric.key], sign)
        elif metric.role == "guardrail":
            found[metric.key] = guardrail_level(plan, level, contrasts[metric.key])
    secondary = [metric.key for metric in plan.metrics if metric.role == "secondary"]
    cells = [contrasts[key] for key in secondary]
    return found | dict(zip(secondary, secondary_levels(plan, level, cells), strict=True))
