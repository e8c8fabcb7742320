"""Dunnett's comparison: several treatments against one control, read all at once."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import gammaincinv, gammaln, ndtr, roots_legendre, stdtrit, xlogy

from analysis.contrast import Contrast

Floats = npt.NDArray[np.float64]
Sides = Literal["two", "one"]

_FARTHEST = 9.0
"""A normal variable is beyond with a chance of 1e-19."""

_LARGEST_LOADING = 0.9995
"""Treatments so much larger than the control that their errors are all but the same one."""


def loadings(contrasts: Sequence[Contrast]) -> tuple[float, ...]:
    """How much of each contrast's error comes from the control that all of them share.

    The correlation of two contrasts is the product of their loadings: with equal variances and
    sizes it is one half.
    """
    shares = [max(0.0, c.variance_control) ** 0.5 / c.se for c in contrasts]
    return tuple(min(share, _LARGEST_LOADING) for share in shares)


def critical(
    shared: Sequence[float], df: float, alpha: float = 0.05, sides: Sides = "two"
) -> float:
    """The t value that none of the contrasts passes, without any effect, but with chance alpha.

    Dunnett (1955), by the integral over what the contrasts share instead of tables, so that sizes
    and variances may differ.

    Args:
        shared: each contrast's loading.
        df: of the standard errors; ``inf`` makes them known.
        alpha: over all contrasts together.
        sides: "two", or "one" for upper bounds only.
    """
    each = alpha / (2 if sides == "two" else 1)
    low, high = _t_quantile(each, df), _t_quantile(each / len(shared), df)
    if len(shared) == 1:
        return low

    def surplus(value: float) -> float:
        return chance_within(value, shared, df, sides) - (1 - alpha)

    if surplus(low) >= 0:
        return low
    return high if surplus(high) <= 0 else float(brentq(surplus, low, high, xtol=1e-11))


def adjusted_p_value(t: float, shared: Sequence[float], df: float, sides: Sides = "two") -> float:
    """The chance, without any effect, that some contrast lies as far out as this one.

    It is below ``alpha`` exactly when ``t`` passes ``critical(.., alpha)``.
    """
    value = abs(t) if sides == "two" else t
    return min(1.0, max(0.0, 1 - chance_within(value, shared, df, sides)))


def chance_within(value: float, shared: Sequence[float], df: float, sides: Sides) -> float:
    """The chance that all contrasts lie within ``value``, without any effect."""
    loading = np.asarray(shared, dtype=float)
    own = np.sqrt(1 - loading**2)
    points, weights = _normal_nodes(int(min(640, max(96, 48 / float(own.min())))))
    scales, chances = _scale_nodes(df)
    centre = loading[:, None, None] * points[:, None]
    reach = value * scales
    inside = ndtr((reach - centre) / own[:, None, None])
    if sides == "two":
        inside = inside - ndtr((-reach - centre) / own[:, None, None])
    return float(weights @ inside.prod(axis=0) @ chances)


def _t_quantile(tail: float, df: float) -> float:
    return float(-stdtrit(min(df, 1e12), tail))


@lru_cache(maxsize=8)
def _normal_nodes(count: int) -> tuple[Floats, Floats]:
    """Nodes and weights of the standard normal distribution."""
    points, weights = roots_legendre(count)
    points, weights = _FARTHEST * points, weights * np.exp(-((_FARTHEST * points) ** 2) / 2)
    return points, weights / weights.sum()


@lru_cache(maxsize=64)
def _scale_nodes(df: float) -> tuple[Floats, Floats]:
    """Nodes and weights of s / sigma, the root of a chi-square over its degrees of freedom."""
    if df > 1e8:
        return np.ones(1), np.ones(1)
    low, high = np.sqrt(2 * gammaincinv(df / 2, np.array([1e-16, 1 - 1e-16])) / df)
    points, weights = roots_legendre(160 if df < 10 else 48)
    # The cube gathers nodes at 0, where few degrees of freedom make the integrand steep.
    power = 3 if df < 10 else 1
    roots = low ** (1 / power) + (high ** (1 / power) - low ** (1 / power)) * (points + 1) / 2
    scales = roots**power
    log_density = xlogy(df - 1, scales) - df * scales**2 / 2 - gammaln(df / 2)
    density = np.exp(log_density - log_density.max()) * power * roots ** (power - 1)
    chances = weights * density
    return scales, chances / chances.sum()
