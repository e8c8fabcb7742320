"""Fieller's interval: the effect as a share of the control's mean."""

from analysis.contrast import Contrast
from analysis.results import Relative

from .proportion import ScoreContrast

_NEXT_TO_NOTHING = 1e-100
"""A control's mean this small a part of the effect makes shares whose squares leave a double."""


def relative(contrast: Contrast, critical: float) -> Relative:
    """The effect relative to the control's mean, with Fieller's interval (1954).

    It holds every share d for which a test of mean - (1 + d) x mean_control at ``critical`` does
    not reject; so it excludes 0 exactly when the test of the absolute effect rejects. When the
    control's mean itself may be 0 there is no bounded interval: both bounds are None. Proportions
    compared by their score test have that test's interval.

    Args:
        contrast: what the method found.
        critical: the same t quantile as for the absolute interval.
    """
    mean, base = contrast.mean, contrast.mean_control
    if isinstance(contrast, ScoreContrast):
        share = contrast.effect / base if base else None
        return Relative(share, *contrast.relative_bounds(critical))
    if abs(base) <= _NEXT_TO_NOTHING * max(abs(contrast.effect), contrast.se):
        return Relative(None, None, None)
    share = contrast.effect / abs(base)
    q = critical**2
    # The ratio's interval: where a r^2 - 2 b r + c <= 0, in units of the control's mean: squares of
    # very large or small outcomes would leave the range of a double.
    ratio = mean / base
    v, v_control, v_both = (
        q * (value / base / base)
        for value in (contrast.variance, contrast.variance_control, contrast.covariance)
    )
    a = 1 - v_control
    b = ratio - v_both
    # c is ratio^2 - v. The discriminant b^2 - a c is written out: its large terms cancel.
    discriminant = v - 2 * ratio * v_both + ratio**2 * v_control - (v * v_control - v_both**2)
    if a <= 0:
        return Relative(share, None, None)
    reach = max(discriminant, 0.0) ** 0.5
    low, high = (b - reach) / a - 1, (b + reach) / a - 1
    return Relative(share, low, high) if base > 0 else Relative(share, -high, -low)
