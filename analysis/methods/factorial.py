"""Factorial designs: what each factor does, and whether one changes what the other does."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from analysis.contrast import TOO_FEW_UNITS, Contrast, no_variance
from analysis.results import NotEstimable
from analysis.statistics.clusters import ClusterSums
from analysis.statistics.moments import Moments

from . import cluster_robust

Cell = tuple[str, ...]  # one level of each factor, in the factors' order
Statistic = Moments | ClusterSums


class _Cell(NamedTuple):
    """One cell's mean, as the methods for learners or for teams see it."""

    mean: float
    variance: float  # of the mean
    df: float
    share: float  # what the degrees of freedom of several cells are weighed by
    n: int  # units
    n_learners: int


def main_effect(
    cells: Mapping[Cell, Statistic],
    factor: int,
    levels: tuple[str, str],
    outcome: str = "outcome",
) -> Contrast | NotEstimable:
    """What moving one factor between two levels does, on average over the other factors' levels.

    Every combination of the other factors weighs the same, whatever its number of units, so that
    the effects of different factors are orthogonal (Box, Hunter, Hunter 2005, section 5.2;
    Dasgupta, Pillai, Rubin 2015, section 3.1). Variances stay separate per cell (Welch).

    Args:
        cells: the moments of each combination of levels; team sums, when teams were randomised.
        factor: which factor, from 0.
        levels: the reference level, then the one that is compared with it.
        outcome: a column of the moments.
    """
    low, high = (
        [cell for key, cell in sorted(cells.items()) if key[factor] == level] for level in levels
    )
    return average(low, high, outcome)


def interaction(
    cells: Mapping[Cell, Statistic],
    factors: tuple[int, int],
    levels: tuple[tuple[str, str], tuple[str, str]],
    outcome: str = "outcome",
) -> Contrast | NotEstimable:
    """How much the first factor's effect differs between two levels of the second.

    The contrast's means are twice the mean where both factors agree (both low or both high) and
    twice the mean where they do not: their difference is (effect at the high level) - (effect at
    the low one). 0 means that the factors add up.
    """
    first, second = factors
    sides: tuple[list[Statistic], list[Statistic]] = ([], [])
    for key, cell in sorted(cells.items()):
        if key[first] in levels[0] and key[second] in levels[1]:
            agree = (key[first] == levels[0][1]) == (key[second] == levels[1][1])
            sides[agree].append(cell)
    return average(*sides, outcome, scale=2.0)


def average(
    control: Sequence[Statistic], treatment: Sequence[Statistic], outcome: str, scale: float = 1.0
) -> Contrast | NotEstimable:
    """The difference of two plain averages of cell means, each times ``scale``.

    Cells of team sums keep CR2's variances; all degrees of freedom are Satterthwaite's.
    """
    low, high = ([_cell(each, outcome) for each in group] for group in (control, treatment))
    cells = [cell for cell in (*low, *high) if isinstance(cell, _Cell)]
    refused = [cell for cell in (*low, *high) if isinstance(cell, NotEstimable)]
    if refused or not low or not high:
        return refused[0] if refused else TOO_FEW_UNITS
    at = len(low)
    weights = [scale / len(low)] * at + [scale / len(high)] * len(high)
    parts = [w**2 * cell.variance for w, cell in zip(weights, cells, strict=True)]
    shares = [w**2 * cell.share for w, cell in zip(weights, cells, strict=True)]
    sums = [w * cell.mean for w, cell in zip(weights, cells, strict=True)]
    mean_control, mean = sum(sums[:at]), sum(sums[at:])
    if sum(parts) <= (1e-13 * max(abs(mean_control), abs(mean))) ** 2:
        return no_variance(mean, mean_control)
    return Contrast(
        method="factorial",
        n=sum(cell.n for cell in cells[at:]),
        n_control=sum(cell.n for cell in cells[:at]),
        n_learners=sum(cell.n_learners for cell in cells[at:]),
        n_learners_control=sum(cell.n_learners for cell in cells[:at]),
        mean=mean,
        mean_control=mean_control,
        variance=sum(parts[at:]),
        variance_control=sum(parts[:at]),
        covariance=0.0,
        df=sum(shares) ** 2 / sum(s**2 / cell.df for s, cell in zip(shares, cells, strict=True)),
    )


def _cell(statistic: Statistic, outcome: str) -> "_Cell | NotEstimable":
    """One cell's mean, and how sure it is."""
    if isinstance(statistic, ClusterSums):
        if statistic.n_clusters < 2:
            return cluster_robust.TOO_FEW_TEAMS
        variance, df = cluster_robust.one_mean(statistic, outcome)
        # As CR2's degrees of freedom do: weighed as if all learners were alike.
        share, n = 1 / statistic.n_learners, statistic.n_clusters
        return _Cell(statistic.mean_of(outcome), variance, df, share, n, statistic.n_learners)
    if statistic.n < 2:
        return TOO_FEW_UNITS
    variance, n = statistic.variance(outcome) / statistic.n, statistic.n
    return _Cell(statistic.mean_of(outcome), variance, n - 1, variance, n, n)
