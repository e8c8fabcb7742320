"""Facts: what the company's own past says about a metric, to plan an experiment with it."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from analysis.history import NO_TEAM, Floats, Ints, Past
from analysis.methods import icc
from analysis.results import NotEstimable
from analysis.statistics.clusters import ClusterSums
from analysis.statistics.collected import (
    COVARIATE,
    COVARIATE_DENOMINATOR,
    DENOMINATOR,
    OUTCOME,
)

from .variance import design_effect

FEWEST_LEARNERS: Final = 100
"""Below it a standard deviation, and all that follows, is too unsure to plan with."""
FEWEST_TEAMS: Final = 12


@dataclass(frozen=True)
class Teams:
    """How learners sit in teams."""

    n: int
    n_learners: int  # of those in a known team
    size: float  # mean number of learners
    size_cv: float  # standard deviation of the sizes over their mean
    icc: float  # share of variance between teams
    icc_adjusted: float  # the same of what the covariate leaves

    @property
    def design_effect(self) -> float:
        """How many times as many learners teams need as learners drawn one by one."""
        return design_effect(self.size, self.icc, self.size_cv)


@dataclass(frozen=True)
class Facts:
    """One metric over the learners of the past; of a ratio, each learner's part in it."""

    n_learners: int
    mean: float  # of a ratio: the ratio of the sums
    sd: float
    share_of_zeros: float
    yes_or_no: bool
    correlation: float  # with the same measure in the window before; 0 without one
    teams: Teams | None  # None: too few are known


def facts_of(past: Past) -> Facts | NotEstimable:
    """The facts of one metric's past."""
    if len(past) < FEWEST_LEARNERS:
        return NotEstimable(
            f"only {len(past)} learners were active before the pretended exposure",
            f"at least {FEWEST_LEARNERS} are needed: import more history, or choose a later time",
        )
    parts = contributions(past)
    if not parts.std() > 1e-12 * abs(parts).max():
        return NotEstimable(
            f"{past.metric.title} was the same for all {len(past)} learners",
            "check that the metric's events arrive",
        )
    outcome = past.column(OUTCOME)
    before = _covariate(past)
    return Facts(
        n_learners=len(past),
        mean=mean_of(past),
        sd=float(parts.std(ddof=1)),
        share_of_zeros=float((outcome == 0).mean()),
        yes_or_no=DENOMINATOR not in past.columns and bool(np.isin(outcome, (0.0, 1.0)).all()),
        correlation=_correlation(parts, before),
        teams=_teams(past.team, parts, before),
    )


def contributions(past: Past) -> Floats:
    """Each learner's outcome; of a ratio its part in the ratio's error (delta method)."""
    if DENOMINATOR not in past.columns:
        return past.column(OUTCOME)
    return _parts(past.column(OUTCOME), past.column(DENOMINATOR))


def _parts(above: Floats, below: Floats) -> Floats:
    if not below.mean() > 0:
        return np.zeros(len(below))
    ratio = float(above.mean() / below.mean())
    return np.asarray((above - ratio * below) / float(below.mean()), dtype=np.float64)


def mean_of(past: Past) -> float:
    """The mean outcome; of a ratio the ratio of the sums."""
    mean = float(past.column(OUTCOME).mean())
    if DENOMINATOR not in past.columns:
        return mean
    below = float(past.column(DENOMINATOR).mean())
    return mean / below if below else 0.0


def intraclass_correlation(values: Floats, team: Ints) -> float:
    """The share of variance that lies between teams (analysis of variance; not below 0).

    Args:
        values: one a learner.
        team: each learner's team, numbered from 0.
    """
    _, which, n = np.unique(team, return_inverse=True, return_counts=True)
    sums = np.bincount(which, values).astype(np.float64)
    within = np.bincount(which, (values - (sums / n)[which]) ** 2).astype(np.float64)
    teams = ClusterSums((OUTCOME,), n, sums[:, None], within[:, None])
    alike = icc.estimate(teams)
    return 0.0 if isinstance(alike, NotEstimable) else max(0.0, alike.icc)


def _covariate(past: Past) -> Floats | None:
    if COVARIATE not in past.columns:
        return None
    if COVARIATE_DENOMINATOR not in past.columns:
        return past.column(COVARIATE)
    return _parts(past.column(COVARIATE), past.column(COVARIATE_DENOMINATOR))


def _correlation(values: Floats, before: Floats | None) -> float:
    if before is None or not before.std() > 0:
        return 0.0
    return float(np.corrcoef(values, before)[0, 1])


def _teams(team: Ints, values: Floats, before: Floats | None) -> Teams | None:
    known = team != NO_TEAM
    _, n = np.unique(team[known], return_counts=True)
    if len(n) < FEWEST_TEAMS or n.sum() <= len(n):
        return None
    alike = intraclass_correlation(values[known], team[known])
    adjusted = alike
    if before is not None and before.std() > 0:
        slope = float(np.cov(values, before)[0, 1] / before.var(ddof=1))
        adjusted = intraclass_correlation((values - slope * before)[known], team[known])
    return Teams(
        n=len(n),
        n_learners=int(n.sum()),
        size=float(n.mean()),
        size_cv=float(n.std() / n.mean()),
        icc=alike,
        icc_adjusted=adjusted,
    )
