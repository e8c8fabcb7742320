"""Power: how precise an experiment must be, and how many units that takes."""

from collections.abc import Callable

from scipy.special import nctdtr, ndtri

from .contrast import critical_t

FARTHEST_WRONG_SIDE = 6.0
"""In standard errors."""


def design_se(minimum_effect: float, alpha: float = 0.05, power: float = 0.8) -> float:
    """The standard error at which an effect of this size is found with this power.

    The planned information of an experiment is 1 / design_se^2.
    """
    return minimum_effect / float(ndtri(1 - alpha / 2) + ndtri(power))


def detectable_effect(se: float, alpha: float = 0.05, power: float = 0.8) -> float:
    """The smallest effect that this standard error finds with this power."""
    return se * float(ndtri(1 - alpha / 2) + ndtri(power))


def power_of(effect: float, se: float, df: float, alpha: float = 0.05) -> float:
    """The chance that a two-sided t test finds an effect of this size (noncentral t)."""
    critical = critical_t(-float(ndtri(alpha / 2)), df)
    shift = abs(effect) / se
    # So far from 0 the wrong side has a chance below 1e-9, and the function is not defined there.
    wrong_side = nctdtr(df, shift, -critical) if shift < FARTHEST_WRONG_SIDE else 0.0
    return float(1 - nctdtr(df, shift, critical) + wrong_side)


def learners_needed(
    minimum_effect: float,
    sd: float,
    alpha: float = 0.05,
    power: float = 0.8,
    variance_reduction: float = 0.0,
) -> int:
    """How many learners each of two equal variants needs.

    Args:
        minimum_effect: smallest difference that matters, in the metric's unit.
        sd: of the metric over learners.
        alpha: two-sided.
        power: at the minimum effect.
        variance_reduction: share of variance that a covariate removes, 0-1.
    """
    left = sd * (1 - variance_reduction) ** 0.5

    def enough(n: int) -> bool:
        return power_of(minimum_effect, left * (2 / n) ** 0.5, 2 * n - 2, alpha) >= power

    return _smallest(enough)


def teams_needed(
    minimum_effect: float,
    sd: float,
    team_size: float,
    icc: float,
    alpha: float = 0.05,
    power: float = 0.8,
) -> int:
    """How many teams each of two equal variants needs.

    The design effect 1 + (team_size - 1) x icc (Donner and Klar 2000) and a t test with as many
    degrees of freedom as there are teams, less two.
    """
    variance = sd**2 * (1 + (team_size - 1) * icc) / team_size

    def enough(teams: int) -> bool:
        return (
            power_of(minimum_effect, (2 * variance / teams) ** 0.5, 2 * teams - 2, alpha) >= power
        )

    return _smallest(enough)


def _smallest(enough: Callable[[int], bool]) -> int:
    """The smallest number, from 2 on, that is enough; more is always enough as well."""
    high = 2
    while not enough(high):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return max(high, 2)
