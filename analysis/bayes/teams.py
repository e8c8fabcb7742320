"""Few teams: what to believe of an effect when a handful of whole teams were randomised.

    team mean_j ~ N(mean of its variant, s^2 (icc + (1 - icc) / n_j))

Team sums hardly tell how much of the spread lies between teams; studies of classes and schools do.
So the ICC has an informative prior, and s none. Given both the effect is normal, so the belief is
a mixture of normals over a grid: exact, and wider than normal where teams are few.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from analysis.results import NotEstimable
from analysis.statistics.clusters import ClusterSums
from analysis.statistics.collected import OUTCOME

from .belief import Belief
from .prior import Prior

Floats = npt.NDArray[np.float64]

ICC_PRIOR: Final = (2.0, 8.0)
"""Beta: mean 0.2, between 0.03 and 0.48 in 95 %."""

_ICC_POINTS = 48
_SPREAD_POINTS = 120
_SPREAD_REACH = (0.2, 60.0)  # in the pooled estimate of s
_UNLIKELY = 1e-10

TOO_FEW_TEAMS = NotEstimable(
    "fewer than two teams in a variant, or fewer than five in all, have a complete outcome",
    "add teams; a team is one unit, however many learners it has",
)
NO_SPREAD = NotEstimable(
    "all teams of a variant have the same mean, so chance cannot be judged",
    "check that the outcome is measured on each learner and not filled in by team",
)


@dataclass(frozen=True, eq=False)
class TeamBelief:
    """The belief about the effect, and what the spread of team means says of the ICC."""

    effect: Belief
    icc: float  # posterior mean
    icc_low: float  # 95 %
    icc_high: float
    n_teams: int


def estimate(
    control: ClusterSums,
    treatment: ClusterSums,
    prior: Prior,
    outcome: str = OUTCOME,
    icc_prior: tuple[float, float] = ICC_PRIOR,
) -> TeamBelief | NotEstimable:
    """The belief about treatment minus control from team sizes and sums.

    Args:
        control: its teams.
        treatment: its teams.
        prior: of the effect, in the metric's unit.
        outcome: the column.
        icc_prior: Beta parameters of the share of variance between teams.
    """
    n_teams = control.n_clusters + treatment.n_clusters
    if min(control.n_clusters, treatment.n_clusters) < 2 or n_teams < 5:
        return TOO_FEW_TEAMS
    arms = [(each.sum_of(outcome) / each.n, np.asarray(each.n)) for each in (control, treatment)]
    nodes, masses = np.polynomial.legendre.leggauss(_ICC_POINTS)
    icc, log_width = (nodes + 1) / 2, np.log(masses)
    log_prior = (icc_prior[0] - 1) * np.log(icc) + (icc_prior[1] - 1) * np.log1p(-icc)
    fit = _Fit.of(arms, icc)
    if not fit.residual.min() > 0:
        return NO_SPREAD
    s = np.geomspace(*_SPREAD_REACH, _SPREAD_POINTS) * float(np.sqrt(fit.residual / n_teams).mean())
    weights, means, sds = fit.belief(s, log_prior + log_width, prior)
    icc_chance = weights.sum(axis=(1, 2))
    order = np.cumsum(icc_chance)
    likely = weights > _UNLIKELY * weights.max()
    kept = weights[likely]
    return TeamBelief(
        effect=Belief(kept / kept.sum(), means[likely], sds[likely]),
        icc=float(icc_chance @ icc),
        icc_low=float(np.interp(0.025, order, icc)),
        icc_high=float(np.interp(0.975, order, icc)),
        n_teams=n_teams,
    )


@dataclass(frozen=True, eq=False)
class _Fit:
    """Weighted least squares at each ICC, s = 1."""

    n_teams: int
    effect: Floats
    variance: Floats
    residual: Floats
    log_weights: Floats

    @classmethod
    def of(cls, arms: list[tuple[Any, Any]], icc: Floats) -> "_Fit":
        means, totals, residual, logs = [], [], np.zeros(len(icc)), np.zeros(len(icc))
        for y, n in arms:
            w = 1 / (icc[:, None] + (1 - icc[:, None]) / n)
            total = w.sum(axis=1)
            mean = w @ y / total
            residual += (w * (y - mean[:, None]) ** 2).sum(axis=1)
            logs += 0.5 * (np.log(w).sum(axis=1) - np.log(total))
            means.append(mean)
            totals.append(total)
        return cls(
            n_teams=sum(len(y) for y, _ in arms),
            effect=means[1] - means[0],
            variance=1 / totals[0] + 1 / totals[1],
            residual=residual,
            log_weights=logs,
        )

    def belief(self, s: Floats, log_prior: Floats, prior: Prior) -> tuple[Floats, Floats, Floats]:
        """Weights, means and sds over ICC, s and the prior's scales."""
        prior_weights, scales = np.array(prior.parts).T
        variance = (self.variance[:, None] * s**2)[:, :, None]
        gap = (self.effect - prior.mean)[:, None, None]
        total = variance + scales**2
        log = (self.log_weights + log_prior)[:, None] - (self.n_teams - 2) * np.log(s)
        log = log - self.residual[:, None] / (2 * s**2)
        joint = log[:, :, None] - 0.5 * (np.log(total) + gap**2 / total) + np.log(prior_weights)
        weights = np.exp(joint - joint.max())
        keep = scales**2 / total
        return weights / weights.sum(), prior.mean + keep * gap, np.sqrt(keep * variance)
