"""Cluster-robust comparison: teams were randomised, learners are compared."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from analysis.contrast import Contrast, no_variance
from analysis.results import NotEstimable
from analysis.statistics.clusters import ClusterSums

Floats = npt.NDArray[np.float64]

ADJUST_FROM = 10
"""Teams, both variants together, from which a covariate is worth the degree of freedom it costs."""

TOO_FEW_TEAMS = NotEstimable(
    "a variant has fewer than two teams with a complete outcome",
    "randomise more teams: at least six per variant, better twenty",
)


class _Design(NamedTuple):
    """A regression on values that are constant within a team."""

    z: Floats  # (J, p): treatment, control, and the team's mean covariate when there is one
    n: Floats  # (J,)
    bread: Floats  # (p, p): inverse of the sum of n z z'
    room: Floats  # (J,): 1 - leverage of the team


def estimate(
    control: ClusterSums,
    treatment: ClusterSums,
    outcome: str = "outcome",
    covariate: str | None = None,
) -> Contrast | NotEstimable:
    """How the learners' means differ when whole teams were randomised.

    The standard error is CR2 and the degrees of freedom are Satterthwaite's, both of Bell and
    McCaffrey (2002), here in closed form: every regressor (the variant; the team's mean covariate)
    is constant within a team, so the adjustment matrix of a team acts along one direction only and
    team sums are enough. A covariate is used from ``ADJUST_FROM`` teams on.
    """
    if min(control.n_clusters, treatment.n_clusters) < 2:
        return TOO_FEW_TEAMS
    plain = _fit(control, treatment, outcome, None)
    if covariate is None or isinstance(plain, NotEstimable):
        return plain
    if control.n_clusters + treatment.n_clusters < ADJUST_FROM:
        return plain
    adjusted = _fit(control, treatment, outcome, covariate)
    if isinstance(adjusted, NotEstimable):
        return plain
    return replace(adjusted, variance_reduction=max(0.0, 1 - (adjusted.se / plain.se) ** 2))


def _fit(
    control: ClusterSums, treatment: ClusterSums, outcome: str, covariate: str | None
) -> Contrast | NotEstimable:
    design = _design(control, treatment, covariate)
    if design is None:
        return TOO_FEW_TEAMS
    sums = np.concatenate([treatment.sum_of(outcome), control.sum_of(outcome)])
    weights = design.z @ design.bread
    coefficients = weights.T @ sums
    residuals = sums - design.n * (design.z @ coefficients)
    meat = weights[:, :2] * (residuals / np.sqrt(design.room))[:, None]
    variances = meat.T @ meat
    scale = float(np.abs(sums).max()) / float(design.n.min())
    if variances[0, 0] + variances[1, 1] - 2 * variances[0, 1] <= (1e-12 * scale) ** 2:
        return no_variance(float(coefficients[0]), float(coefficients[1]))
    return Contrast(
        method="cluster_robust",
        n=treatment.n_clusters,
        n_control=control.n_clusters,
        n_learners=treatment.n_learners,
        n_learners_control=control.n_learners,
        mean=float(coefficients[0]),
        mean_control=float(coefficients[1]),
        variance=float(variances[0, 0]),
        variance_control=float(variances[1, 1]),
        covariance=float(variances[0, 1]),
        df=_degrees_of_freedom(design, _between(design)),
    )


def one_mean(sums: ClusterSums, outcome: str = "outcome") -> tuple[float, float]:
    """Of the learners' mean of one set of teams: its CR2 variance and degrees of freedom."""
    n = sums.n.astype(np.float64)
    total = float(n.sum())
    design = _Design(np.ones((len(n), 1)), n, np.array([[1 / total]]), 1 - n / total)
    residuals = sums.sum_of(outcome) - n * sums.mean_of(outcome)
    variance = float((residuals**2 / design.room).sum()) / total**2
    return variance, _degrees_of_freedom(design, np.ones(1))


def _design(control: ClusterSums, treatment: ClusterSums, covariate: str | None) -> _Design | None:
    """The regression's geometry; None when the covariate cannot be told from the variants."""
    n = np.concatenate([treatment.n, control.n]).astype(np.float64)
    treated = np.zeros(len(n))
    treated[: treatment.n_clusters] = 1
    columns = [treated, 1 - treated]
    if covariate is not None:
        means = np.concatenate([treatment.sum_of(covariate), control.sum_of(covariate)]) / n
        centred = means - np.average(means, weights=n)
        spread = float(np.abs(centred).max())
        if spread <= 1e-9 * float(np.abs(means).max()):
            return None
        columns.append(centred / spread)
    z = np.column_stack(columns)
    gram = (z * n[:, None]).T @ z
    if np.linalg.cond(gram) > 1e12:
        return None
    bread: Floats = np.asarray(np.linalg.inv(gram), dtype=np.float64)
    room = 1 - n * np.einsum("ji,ik,jk->j", z, bread, z)
    return None if room.min() <= 1e-9 else _Design(z, n, bread, room)


def _between(design: _Design) -> Floats:
    """The contrast of treatment and control, whatever else is in the regression."""
    contrast = np.zeros(design.z.shape[1])
    contrast[0], contrast[1] = 1, -1
    return contrast


def _degrees_of_freedom(design: _Design, contrast: Floats) -> float:
    """Satterthwaite's degrees of freedom of the contrast, with independent equal errors.

    With p_j the vector that team j contributes to the variance, the answer is
    trace(G)^2 / trace(G^2) for G = [p_j'p_k]. Off the diagonal G has rank p, so no matrix of
    teams by teams is made.
    """
    pull = design.z @ design.bread @ contrast
    diagonal = pull**2 * design.n
    spread = (pull * design.n / np.sqrt(design.room))[:, None] * design.z
    low_rank = design.bread @ (spread.T @ spread)
    own = np.einsum("ji,ik,jk->j", spread, design.bread, spread)
    squares = float((diagonal**2).sum() + np.trace(low_rank @ low_rank) - (own**2).sum())
    return float(diagonal.sum() ** 2 / squares)
