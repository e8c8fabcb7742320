"""Power: how precise an experiment must be; ``analysis.sizing`` says how many units that takes."""

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
