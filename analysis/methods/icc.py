"""Intraclass correlation: how alike learners of a team are, and what that costs."""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from scipy.special import fdtri

from analysis.results import NotEstimable
from analysis.statistics.clusters import ClusterSums

TOO_FEW_TEAMS: Final = NotEstimable(
    "there are too few teams, or too few learners in them, to tell teams from learners",
    "collect outcomes of at least two teams a variant, with several learners each",
)
NO_SPREAD: Final = NotEstimable(
    "all learners have the same outcome, so there is no variance to share out",
    "check that the metric's events arrive and that the outcome varies",
)
NOT_KEPT: Final = NotEstimable(
    "how learners differ within their teams was not collected for this metric",
    "use a metric that is one number a learner, such as a sum or a score",
)


@dataclass(frozen=True)
class IntraclassCorrelation:
    """How much of the learners' variance lies between teams, and what it does to precision."""

    icc: float  # 0-1; below 0 by chance when teams are more alike than learners drawn at random
    low: float
    high: float
    team_size: float  # mean over learners of their team's size
    design_effect: float  # so many times the variance of learners drawn one by one; >= 1
    n_effective: float  # learners drawn one by one who would tell as much


class _Parts(NamedTuple):
    """The analysis of variance between and within teams, variants held apart."""

    between: float  # mean square
    within: float
    df_between: int
    df_within: int
    size: float  # the size that stands for all: n0


def estimate(
    *variants: ClusterSums, outcome: str = "outcome", alpha: float = 0.05
) -> IntraclassCorrelation | NotEstimable:
    """How alike learners of one team are, by the analysis of variance (Donner, Klar 2000, 1.5).

    The interval is Searle's (1971): exact for normal outcomes in teams of one size, with Donner's
    n0 in place of the size otherwise. The design effect is that of a mean over learners in teams of
    these sizes, 1 + (team size - 1) icc, with an icc of at least 0.

    Args:
        variants: team sums of each variant; means may differ between them.
        outcome: the column.
        alpha: of the interval, two-sided.
    """
    if any(variant.within is None for variant in variants):
        return NOT_KEPT
    parts = _parts(variants, outcome)
    if parts is None:
        return TOO_FEW_TEAMS
    if parts.within <= 0:
        return NO_SPREAD if parts.between <= 0 else _described(variants, 1.0, (1.0, 1.0))
    ratio = parts.between / parts.within
    tails = (
        float(fdtri(parts.df_between, parts.df_within, tail)) for tail in (1 - alpha / 2, alpha / 2)
    )
    low, high = (_icc(ratio / tail, parts.size) for tail in tails)
    return _described(variants, _icc(ratio, parts.size), (low, high))


def _icc(ratio: float, size: float) -> float:
    """The correlation that a ratio of mean squares stands for."""
    return (ratio - 1) / (ratio + size - 1)


def _parts(variants: tuple[ClusterSums, ...], outcome: str) -> _Parts | None:
    """None when teams cannot be told from learners."""
    n_teams = sum(variant.n_clusters for variant in variants)
    n_learners = sum(variant.n_learners for variant in variants)
    filled = [variant for variant in variants if variant.n_clusters]
    df_between, df_within = n_teams - len(filled), n_learners - n_teams
    if df_between < 1 or df_within < 1:
        return None
    between, within, uneven = 0.0, 0.0, 0.0
    for variant in filled:
        means = variant.sum_of(outcome) / variant.n
        between += float(variant.n @ (means - variant.mean_of(outcome)) ** 2)
        within += float(variant.within_of(outcome).sum())
        uneven += float((variant.n**2).sum()) / variant.n_learners
    size = (n_learners - uneven) / df_between
    return _Parts(between / df_between, within / df_within, df_between, df_within, size)


def _described(
    variants: tuple[ClusterSums, ...], icc: float, interval: tuple[float, float]
) -> IntraclassCorrelation:
    sizes = np.concatenate([variant.n for variant in variants]).astype(np.float64)
    team_size = float((sizes**2).sum() / sizes.sum())
    effect = 1 + (team_size - 1) * max(icc, 0.0)
    return IntraclassCorrelation(icc, *interval, team_size, effect, float(sizes.sum()) / effect)
