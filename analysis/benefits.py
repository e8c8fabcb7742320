"""Who benefits: whether a treatment's effect differs by what was known of learners beforehand."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np

from analysis.normal import Z95

from .across.segments import differ
from .batch import compare_pairs
from .bayes.pooling import Pooling, pool_apart
from .bayes.segments import Scales
from .contrast import Contrast
from .correct import holm
from .estimate import Compared
from .methods.bayes_normal import segments_of
from .plan import AnalysisPlan
from .results import Benefit, BenefitLevel, NotEstimable
from .statistics.clusters import ClusterSums
from .statistics.collected import Collected, Statistic

FEWEST_LEARNERS: Final = 20
"""Learners of a variant that a segment needs: with fewer its standard error is a guess."""

FEWEST_TEAMS: Final = 6

_TINIEST: Final = 1e-50
_OUT_OF_RANGE: Final = "the outcomes are too far apart in size to be compared"
_TOGETHER: Final = (
    "a team's learners are in several of them, so their effects cannot be told apart honestly"
)

Levels = Mapping[str, Mapping[str, Statistic]]


def who_benefits(
    plan: AnalysisPlan, primary: Compared, collected: Collected
) -> tuple[Benefit, ...]:
    """For every treatment and segment: its levels' effects, and one test whether they differ.

    The tests of all treatments and segments allow for each other (Holm): three segments of two
    treatments are six chances to find a difference that is none.
    """
    segments = collected.segments.get(plan.primary.key, {})
    whole = collected.metrics.get(plan.primary.key, {})
    found = [
        _benefit(primary, variant, name, levels, _overlap(levels, whole, (plan.control, variant)))
        for variant in primary.estimable
        for name, levels in segments.items()
        if len(levels) > 1
    ]
    tested = [each for each in found if each.p_value is not None]
    adjusted = iter(holm([each.p_value for each in tested if each.p_value is not None]))
    return tuple(
        each if each.p_value is None else replace(each, p_adjusted=next(adjusted)) for each in found
    )


def _benefit(
    primary: Compared, variant: str, segment: str, levels: Levels, overlap: bool
) -> Benefit:
    metric = primary.metric.key
    if overlap:
        return Benefit(metric, variant, segment, why_not=_TOGETHER)
    contrasts = _contrasts(primary.control, variant, levels)
    raw = {name: each for name, each in contrasts.items() if each is not None}
    left_out = tuple(name for name, each in contrasts.items() if each is None)
    tested = differ(raw)
    if isinstance(tested, NotEstimable):
        return Benefit(metric, variant, segment, left_out=left_out, why_not=tested.reason)
    shown = _levels(raw, _pooled(primary, raw))
    numbers = [tested.p_value, *(value for each in shown for value in (each.pooled, each.high))]
    if not np.isfinite(numbers).all():
        return Benefit(metric, variant, segment, left_out=left_out, why_not=_OUT_OF_RANGE)
    return Benefit(
        metric, variant, segment, levels=shown, left_out=left_out, p_value=tested.p_value
    )


def _contrasts(control: str, variant: str, levels: Levels) -> dict[str, Contrast | None]:
    """The effect in each level; None where too few met a variant."""
    met = {
        name: (arms[control], arms[variant])
        for name, arms in levels.items()
        if control in arms and variant in arms
    }
    found = dict(zip(met, compare_pairs(list(met.values())), strict=True))
    return {
        name: _if_enough(found[name], isinstance(met[name][0], ClusterSums))
        if name in found
        else None
        for name in levels
    }


def _if_enough(found: Contrast | NotEstimable, teams: bool) -> Contrast | None:
    if isinstance(found, NotEstimable) or not _in_range(found):
        return None
    fewest = FEWEST_TEAMS if teams else FEWEST_LEARNERS
    return found if min(found.n, found.n_control) >= fewest and found.df > 0 else None


def _in_range(found: Contrast) -> bool:
    """Whether the numbers can be squared and divided without leaving what a double holds."""
    return _TINIEST < found.se < 1 / _TINIEST and abs(found.effect) < 1 / _TINIEST


def _pooled(primary: Compared, raw: Mapping[str, Contrast]) -> Pooling:
    """The effects, drawn towards each other as far as they agree; exact, on a grid."""
    scales = Scales.around(primary.prior.sd, primary.prior.mean)
    return pool_apart(segments_of(raw), scales, primary.sign)


def _levels(raw: Mapping[str, Contrast], pooling: Pooling) -> tuple[BenefitLevel, ...]:
    found = []
    for each in pooling.segments:
        contrast = raw[each.name]
        low, high = contrast.bounds(Z95)
        found.append(
            BenefitLevel(
                level=each.name,
                n=contrast.n_learners + contrast.n_learners_control,
                effect=contrast.effect,
                se=contrast.se,
                low=low,
                high=high,
                pooled=each.mean,
                pooled_low=each.low,
                pooled_high=each.high,
                p_better=each.p_better,
            )
        )
    return tuple(found)


def _overlap(levels: Levels, whole: Mapping[str, Statistic], variants: tuple[str, str]) -> bool:
    """Whether some team has learners in several levels: estimates then hang together."""
    for variant in variants:
        all_teams = whole.get(variant)
        if not isinstance(all_teams, ClusterSums):
            continue
        parts = [arms[variant] for arms in levels.values() if variant in arms]
        teams = sum(part.n_clusters for part in parts if isinstance(part, ClusterSums))
        if teams > all_teams.n_clusters:
            return True
    return False
