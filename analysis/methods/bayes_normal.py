"""Normal prior times normal likelihood: what to believe after the data, in closed form."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from analysis.contrast import Contrast, critical_t
from analysis.results import Posterior

Z95 = 1.959963984540054


def posterior(
    contrast: Contrast, prior_sd: float, sign: int = 1, minimum_effect: float | None = None
) -> Posterior:
    """The belief about the effect: N(0, prior_sd^2) times N(effect, se^2).

    With few degrees of freedom the standard error is widened until the likelihood's 95 % interval
    is the t interval, so that belief and test speak of the same data. As the prior widens, the 95 %
    interval becomes the t interval and ``p_better`` becomes 1 - p/2.

    Args:
        contrast: what the method found.
        prior_sd: in the metric's unit; > 0.
        sign: 1 when more is better, -1 when less is better.
        minimum_effect: smallest difference that matters.
    """
    se = likelihood_se(contrast)
    keep = prior_sd**2 / (prior_sd**2 + se**2)
    mean, sd = keep * contrast.effect, keep**0.5 * se
    good = sign * mean
    return Posterior(
        mean=mean,
        sd=sd,
        low=mean - Z95 * sd,
        high=mean + Z95 * sd,
        p_better=float(ndtr(good / sd)),
        p_meaningful=None if minimum_effect is None else float(ndtr((good - minimum_effect) / sd)),
        expected_loss=expected_loss(good, sd),
        prior_sd=prior_sd,
    )


def likelihood_se(contrast: Contrast) -> float:
    """The normal standard error whose 95 % interval is the contrast's t interval."""
    return contrast.se * critical_t(Z95, contrast.df) / Z95


def expected_loss(mean: float, sd: float) -> float:
    """What shipping costs on average where it is the worse choice: E[max(0, -effect)]."""
    x = mean / sd
    density = float(np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi))
    return max(0.0, sd * (density - x * float(ndtr(-x))))


def chances_to_be_best(
    contrasts: Sequence[Contrast], prior_sd: float, sign: int = 1
) -> tuple[float, ...]:
    """The chance of each variant to have the best mean; the control comes first. They sum to 1.

    All treatments share the control, so their errors go together; the joint posterior is
    multivariate normal and each chance is the probability of an orthant.
    """
    mean, covariance = _joint_posterior(contrasts, prior_sd)
    m = len(contrasts)
    # Means relative to the control, the control itself first: always 0.
    centre = np.concatenate([[0.0], sign * mean])
    spread = np.zeros((m + 1, m + 1))
    spread[1:, 1:] = covariance
    chances = np.array([_chance_above_all(k, centre, spread) for k in range(m + 1)])
    return tuple(float(chance) for chance in chances / chances.sum())


def _joint_posterior(
    contrasts: Sequence[Contrast], prior_sd: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    effects = np.array([contrast.effect for contrast in contrasts])
    total = np.array([likelihood_se(contrast) ** 2 for contrast in contrasts])
    # Under a shared covariate the control's part may exceed the whole by rounding.
    base = np.array([min(c.variance_control, 0.999 * c.se**2) for c in contrasts])
    shared = np.sqrt(base)
    errors = np.outer(shared, shared)
    np.fill_diagonal(errors, total)
    gain = prior_sd**2 * np.linalg.inv(errors + prior_sd**2 * np.eye(len(effects)))
    covariance = gain @ errors
    return gain @ effects, (covariance + covariance.T) / 2


def _chance_above_all(
    k: int, centre: npt.NDArray[np.float64], spread: npt.NDArray[np.float64]
) -> float:
    others = [i for i in range(len(centre)) if i != k]
    difference = np.zeros((len(others), len(centre)))
    difference[:, k] = 1
    difference[range(len(others)), others] = -1
    mean = difference @ centre
    covariance = difference @ spread @ difference.T
    if len(others) == 1:
        return float(ndtr(mean[0] / covariance[0, 0] ** 0.5))
    from scipy.stats import multivariate_normal

    # Beyond two dimensions the integral is a quasi-random one: a fixed seed repeats a readout.
    # Nobody acts on a chance's fourth digit, and six digits of twenty variants take half a minute.
    return float(
        multivariate_normal.cdf(
            mean, np.zeros(len(others)), covariance, abseps=1e-4, rng=np.random.default_rng(0)
        )
    )
