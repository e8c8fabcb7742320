"""CUPAC and CUPED with several covariates: what was known before, weighed by regression."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from analysis.contrast import TOO_FEW_UNITS, WHOLLY_EXPLAINED, Contrast
from analysis.results import NotEstimable
from analysis.statistics.moments import Moments

from . import welch

Floats = npt.NDArray[np.float64]

_SMALLEST: Final = 1e-10
"""Directions that vary less than this, in covariates scaled to 1, are taken for copies."""


@dataclass(frozen=True)
class Prediction:
    """A ridge regression made before exposure: what it expects of a unit's features."""

    features: tuple[str, ...]
    weights: tuple[float, ...]
    intercept: float
    explained: float  # share of the earlier outcome's variance, in the data it was fitted to


def fit(
    before: Moments, target: str, features: Sequence[str], penalty: float = 1.0
) -> Prediction | NotEstimable:
    """The model that CUPAC predicts with, from moments alone (Tang, Huang, Kastelman, Bauman 2020).

    It is fitted to a time BEFORE anybody was exposed: the window before exposure plays the outcome
    and the window before that gives the features. So it cannot have learned anything of the effect,
    and no folds are needed. Its predictions for the time after, from the window just before
    exposure, are one covariate.

    Args:
        before: moments over all units, both variants together.
        target: the column that plays the outcome.
        features: the columns that predict it; a constant one gets no weight.
        penalty: added to each feature's n variances, as a number of units: ridge.
    """
    if before.n < len(features) + 2:
        return TOO_FEW_UNITS
    x = before.only(tuple(features)).m2
    y = np.array([before.cross(name, target) for name in features])
    scale = np.sqrt(np.diag(x))
    used = scale > 1e-12 * np.sqrt(before.n) * np.maximum(
        np.abs([before.mean_of(name) for name in features]), 1e-300
    )
    weights = np.zeros(len(features))
    if used.any():
        correlation = x[np.ix_(used, used)] / np.outer(scale[used], scale[used])
        ridge = correlation + penalty / before.n * np.eye(int(used.sum()))
        weights[used] = np.linalg.solve(ridge, y[used] / scale[used]) / scale[used]
    total = before.cross(target, target)
    left = total - 2 * float(weights @ y) + float(weights @ x @ weights)
    means = np.array([before.mean_of(name) for name in features])
    return Prediction(
        features=tuple(features),
        weights=tuple(float(weight) for weight in weights),
        intercept=before.mean_of(target) - float(weights @ means),
        explained=max(0.0, 1 - left / total) if total > 0 else 0.0,
    )


def predict(model: Prediction, moments: Moments, as_column: str = "covariate") -> Moments:
    """The moments with the model's prediction in place of its features."""
    kept = tuple(name for name in moments.columns if name not in model.features)
    weights = np.zeros((len(kept) + 1, len(moments.columns)))
    for row, name in enumerate(kept):
        weights[row, moments.columns.index(name)] = 1.0
    for name, weight in zip(model.features, model.weights, strict=True):
        weights[-1, moments.columns.index(name)] = weight
    shift = np.zeros(len(kept) + 1)
    shift[-1] = model.intercept
    return moments.linear((*kept, as_column), weights, shift)


def estimate(
    control: Moments, treatment: Moments, outcome: str, covariates: Sequence[str]
) -> Contrast | NotEstimable:
    """How the means differ at equal covariates, several of them (ANCOVA by moments).

    Slopes are pooled within variants; variances stay separate per variant (Welch), and the slopes'
    own uncertainty is counted. With one covariate it is CUPED. Covariates that do not vary, or copy
    others, change nothing.
    """
    plain = welch.estimate(control, treatment, outcome)
    both = control + treatment
    n = both.n
    if isinstance(plain, NotEstimable):
        return plain
    names = (outcome, *covariates)
    c, t = control.only(names), treatment.only(names)
    within = c.m2 + t.m2
    scale = np.sqrt(np.diag(within)[1:])
    varies = scale > 1e-12 * np.sqrt(n) * np.maximum(np.abs(both.only(names).mean[1:]), 1e-300)
    inverse, rank = _inverse(within[1:, 1:], np.where(varies, scale, 0.0))
    if rank == 0 or n < rank + 5:
        return plain
    slopes = inverse @ within[1:, 0]
    use = np.r_[1.0, -slopes]
    left = [max(0.0, float(use @ each.m2 @ use)) for each in (c, t)]
    if sum(left) <= 1e-12 * within[0, 0]:
        return WHOLLY_EXPLAINED
    # The slopes were fitted to the same units: their degrees of freedom are gone.
    spent = (n - 2) / (n - 2 - rank)
    own = [spent * r / (each.n - 1) / each.n for r, each in zip(left, (c, t), strict=True)]
    centre = both.only(names).mean[1:]
    gaps = [each.mean[1:] - centre for each in (c, t)]
    noise = sum(left) / (n - 2 - rank)
    shared = [[noise * float(a @ inverse @ b) for b in gaps] for a in gaps]
    adjusted = replace(
        plain,
        method="cupac",
        mean=plain.mean - float(slopes @ gaps[1]),
        mean_control=plain.mean_control - float(slopes @ gaps[0]),
        variance=own[1] + shared[1][1],
        variance_control=own[0] + shared[0][0],
        covariance=shared[0][1],
        df=max(1.0, welch.satterthwaite(own[1], t.n - 1, own[0], c.n - 1) - rank),
    )
    return replace(adjusted, variance_reduction=max(0.0, 1 - (adjusted.se / plain.se) ** 2))


def _inverse(within: Floats, scale: Floats) -> tuple[Floats, int]:
    """The inverse over the directions that vary, and how many there are."""
    used = scale > 0
    safe = np.where(used, scale, 1.0)
    correlation = within / np.outer(safe, safe) * np.outer(used, used)
    values, vectors = np.linalg.eigh(correlation)
    kept = values > _SMALLEST
    inverse = (vectors[:, kept] / values[kept]) @ vectors[:, kept].T
    return inverse / np.outer(safe, safe), int(kept.sum())
