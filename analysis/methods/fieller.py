"""Fieller's interval: the effect as a share of the control's mean."""

import numpy as np

from analysis.contrast import Contrast
from analysis.quotient import quotient_interval
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
    shared = contrast.covariance
    errors = np.array([[contrast.variance, shared], [shared, contrast.variance_control]])
    bounds = quotient_interval(mean, base, errors, critical)
    if bounds is None:
        return Relative(share, None, None)
    low, high = bounds[0] - 1, bounds[1] - 1
    return Relative(share, low, high) if base > 0 else Relative(share, -high, -low)
