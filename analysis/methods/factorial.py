"""Factorial designs: what each factor does, and whether one changes what the other does."""

from collections.abc import Mapping, Sequence

from analysis.contrast import TOO_FEW_UNITS, Contrast, no_variance
from analysis.results import NotEstimable
from analysis.statistics.moments import Moments

Cell = tuple[str, ...]  # one level of each factor, in the factors' order


def main_effect(
    cells: Mapping[Cell, Moments],
    factor: int,
    levels: tuple[str, str],
    outcome: str = "outcome",
) -> Contrast | NotEstimable:
    """What moving one factor between two levels does, on average over the other factors' levels.

    Every combination of the other factors weighs the same, whatever its number of units, so that
    the effects of different factors are orthogonal (Box, Hunter, Hunter 2005, section 5.2;
    Dasgupta, Pillai, Rubin 2015, section 3.1). Variances stay separate per cell (Welch).

    Args:
        cells: the moments of each combination of levels.
        factor: which factor, from 0.
        levels: the reference level, then the one that is compared with it.
        outcome: a column of the moments.
    """
    low, high = (
        [cell for key, cell in sorted(cells.items()) if key[factor] == level] for level in levels
    )
    return average(low, high, outcome)


def interaction(
    cells: Mapping[Cell, Moments],
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
    sides: tuple[list[Moments], list[Moments]] = ([], [])
    for key, cell in sorted(cells.items()):
        if key[first] in levels[0] and key[second] in levels[1]:
            agree = (key[first] == levels[0][1]) == (key[second] == levels[1][1])
            sides[agree].append(cell)
    return average(*sides, outcome, scale=2.0)


def average(
    control: Sequence[Moments], treatment: Sequence[Moments], outcome: str, scale: float = 1.0
) -> Contrast | NotEstimable:
    """The difference of two plain averages of cell means, each times ``scale``."""
    cells = [*control, *treatment]
    if not control or not treatment or min(cell.n for cell in cells) < 2:
        return TOO_FEW_UNITS
    parts = {
        side: [scale**2 * cell.variance(outcome) / cell.n / len(group) ** 2 for cell in group]
        for side, group in (("control", control), ("treatment", treatment))
    }
    means = {
        side: scale * sum(cell.mean_of(outcome) for cell in group) / len(group)
        for side, group in (("control", control), ("treatment", treatment))
    }
    variances = [*parts["control"], *parts["treatment"]]
    size = max(abs(means["control"]), abs(means["treatment"]))
    if sum(variances) <= (1e-13 * size) ** 2:
        return no_variance(means["treatment"], means["control"])
    n_control, n = (sum(cell.n for cell in group) for group in (control, treatment))
    return Contrast(
        method="factorial",
        n=n,
        n_control=n_control,
        n_learners=n,
        n_learners_control=n_control,
        mean=means["treatment"],
        mean_control=means["control"],
        variance=sum(parts["treatment"]),
        variance_control=sum(parts["control"]),
        covariance=0.0,
        df=sum(variances) ** 2
        / sum(v**2 / (cell.n - 1) for v, cell in zip(variances, cells, strict=True)),
    )
