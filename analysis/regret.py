"""Regret: what shipping one variant costs on average, because another may be better."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, roots_legendre

from .contrast import Contrast
from .methods.bayes_normal import likelihood_se

Floats = npt.NDArray[np.float64]

_FARTHEST = 8.0


def regrets(
    contrasts: Sequence[Contrast], prior_sd: float, prior_mean: float = 0.0, sign: int = 1
) -> tuple[float, ...]:
    """Per treatment, E[best of all variants, the control included, minus it]; never below 0.

    Effects are believed by N(prior_mean, prior_sd^2) each. What the shared control leaves in common
    is one factor, given which treatments are independent: two integrals by quadrature. With one
    treatment it is the posterior's expected loss.
    """
    mean, own, common = _one_factor_posterior(contrasts, prior_sd, prior_mean)
    mean, common = sign * mean, sign * common
    points, weights = _legendre(64)
    factor = _FARTHEST * points
    chance = weights * np.exp(-(factor**2) / 2)
    chance = chance / chance.sum()
    farthest = float(np.max(mean + _FARTHEST * (own + np.abs(common))))
    if farthest <= 0:
        return tuple(float(-value) for value in mean)
    # E[max(0, x)] is the integral of P(max > x) over x > 0.
    levels, steps = _legendre(256)
    x = farthest * (levels + 1) / 2
    centre = mean[:, None] + common[:, None] * factor
    below = ndtr((x[None, None, :] - centre[:, :, None]) / own[:, None, None]).prod(axis=0)
    best = float(chance @ (1 - below) @ steps) * farthest / 2
    return tuple(max(0.0, best - float(value)) for value in mean)


def _one_factor_posterior(
    contrasts: Sequence[Contrast], prior_sd: float, prior_mean: float
) -> tuple[Floats, Floats, Floats]:
    """Means, own standard deviations, and loadings on the one factor that is left in common."""
    effects = np.array([c.effect for c in contrasts]) - prior_mean
    total = np.array([likelihood_se(c) ** 2 for c in contrasts])
    base = np.array([min(max(c.variance_control, 0.0), 0.999 * c.se**2) for c in contrasts])
    shared = np.sqrt(base)
    # Precision: 1/tau^2 + (D + b b')^-1, a diagonal minus one dyad, so its inverse is a diagonal
    # plus one (Sherman and Morrison). In units of the prior's sd, which keeps squares in range.
    d = (total - base) / prior_sd**2
    b = shared / prior_sd
    spread = 1 + float(np.sum(b**2 / d))
    c = b / d / spread**0.5
    own_squared = d / (1 + d)
    left = 1 - float(np.sum(c**2 * own_squared))
    common = own_squared * c / left**0.5
    seen = effects / prior_sd / d - c * float(np.sum(c * effects / prior_sd))
    mean = own_squared * seen + common * float(np.sum(common * seen))
    return prior_mean + mean * prior_sd, np.sqrt(own_squared) * prior_sd, common * prior_sd


@lru_cache(maxsize=4)
def _legendre(count: int) -> tuple[Floats, Floats]:
    points, weights = roots_legendre(count)
    return points, weights
