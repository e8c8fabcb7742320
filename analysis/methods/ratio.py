"""Ratio of two sums: the delta method, as a comparison of linearised outcomes."""

from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from analysis.contrast import TOO_FEW_UNITS, Contrast
from analysis.results import NotEstimable
from analysis.statistics.clusters import ClusterSums
from analysis.statistics.collected import (
    COVARIATE,
    COVARIATE_DENOMINATOR,
    DENOMINATOR,
    OUTCOME,
    Statistic,
)
from analysis.statistics.moments import Moments

from . import cluster_robust, cuped, welch

LARGEST_ERROR: Final = 0.25
"""The denominator's standard error may be this share of it; beyond, the delta method misleads."""

NO_DENOMINATOR = NotEstimable(
    "nobody in a variant has anything below the ratio's line",
    "wait until such events arrive, or choose a denominator that every variant has",
)
UNSURE_DENOMINATOR = NotEstimable(
    "what stands below the ratio's line is too near 0 to divide by",
    "add units, or choose a denominator that more units have",
)


def is_ratio(statistic: Statistic) -> bool:
    """Whether the statistic was collected for a ratio."""
    return DENOMINATOR in statistic.columns


def estimate(control: Statistic, treatment: Statistic) -> Contrast | NotEstimable:
    """How the ratio of sums, outcome over denominator, differs (Deng, Knoblich, Lu 2018, 3).

    Each unit's outcome becomes R + (y - R d) / mean(d), with the variant's own ratio R: its mean is
    R and its variance the delta method's. From there on it is any other mean: Welch, CUPED with the
    ratio before exposure, or CR2 when teams were randomised, with the denominator as their weight.
    """
    for statistic in (control, treatment):
        refusal = _refuse(statistic)
        if refusal is not None:
            return refusal
    found = _compare(control, treatment)
    if isinstance(found, NotEstimable):
        return found
    return replace(
        found,
        method="ratio",
        n_learners=treatment.n_learners,
        n_learners_control=control.n_learners,
    )


def linearised(statistic: Statistic) -> Statistic:
    """The same units with an outcome whose mean is the ratio; others come back as they are."""
    if not is_ratio(statistic) or _refuse(statistic) is not None:
        return statistic
    if isinstance(statistic, ClusterSums):
        return _weighted(statistic)
    return _linearised(_units(statistic))


def _compare(control: Statistic, treatment: Statistic) -> Contrast | NotEstimable:
    a, b = linearised(control), linearised(treatment)
    if isinstance(a, ClusterSums) and isinstance(b, ClusterSums):
        return cluster_robust.estimate(a, b, OUTCOME, _shared_covariate(a, b))
    # One team with nothing below the line has no weight: then all teams count as units.
    a, b = _linearised(_units(control)), _linearised(_units(treatment))
    if _shared_covariate(a, b) is None:
        return welch.estimate(a, b)
    return cuped.estimate(a, b)


def _shared_covariate(a: Statistic, b: Statistic) -> str | None:
    return COVARIATE if COVARIATE in a.columns and COVARIATE in b.columns else None


def _units(statistic: Statistic) -> Moments:
    if isinstance(statistic, ClusterSums):
        return statistic.over_clusters()
    if not isinstance(statistic, Moments):
        raise TypeError(f"a ratio is read from moments or cluster sums, found {statistic!r}")
    return statistic


def _refuse(statistic: Statistic) -> NotEstimable | None:
    units = _units(statistic)
    if units.n < 2:
        return TOO_FEW_UNITS
    below = units.mean_of(DENOMINATOR)
    if below == 0 and units.variance(DENOMINATOR) == 0:
        return NO_DENOMINATOR
    error = (units.variance(DENOMINATOR) / units.n) ** 0.5
    return UNSURE_DENOMINATOR if below <= 0 or error > LARGEST_ERROR * below else None


def _linearised(units: Moments) -> Moments:
    weights, shift = [_weights(units, OUTCOME, DENOMINATOR)], [_ratio(units, OUTCOME, DENOMINATOR)]
    columns: tuple[str, ...] = (OUTCOME,)
    if COVARIATE_DENOMINATOR in units.columns and units.mean_of(COVARIATE_DENOMINATOR) > 0:
        columns += (COVARIATE,)
        weights.append(_weights(units, COVARIATE, COVARIATE_DENOMINATOR))
        shift.append(_ratio(units, COVARIATE, COVARIATE_DENOMINATOR))
    return units.linear(columns, np.array(weights), np.array(shift))


def _ratio(units: Moments, above: str, below: str) -> float:
    return units.mean_of(above) / units.mean_of(below)


def _weights(units: Moments, above: str, below: str) -> npt.NDArray[np.float64]:
    """What turns a unit's row into (y - R d) / mean(d)."""
    weights = np.zeros(len(units.columns))
    weights[units.columns.index(above)] = 1.0
    weights[units.columns.index(below)] -= _ratio(units, above, below)
    return weights / units.mean_of(below)


def _weighted(teams: ClusterSums) -> Statistic:
    """Teams weighted by their denominator: the mean over it is the ratio."""
    weight = teams.sum_of(DENOMINATOR)
    if weight.min() <= 0:
        return _linearised(teams.over_clusters())
    columns: tuple[str, ...] = (OUTCOME,)
    sums = [teams.sum_of(OUTCOME)]
    if COVARIATE_DENOMINATOR in teams.columns and teams.sum_of(COVARIATE_DENOMINATOR).min() > 0:
        columns += (COVARIATE,)
        sums.append(teams.sum_of(COVARIATE) / teams.sum_of(COVARIATE_DENOMINATOR) * weight)
    return ClusterSums(columns, weight, np.column_stack(sums))
