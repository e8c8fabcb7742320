"""Futility: whether it is worth waiting for the last look. Never binding, never costs alpha."""

from scipy.special import ndtr

from analysis.contrast import Contrast

UNLIKELY = 0.1
"""Below this chance of a winner at the last look, people are told that waiting may be futile."""


def predictive_power(
    contrast: Contrast,
    information: float,
    prior_sd: float,
    final_boundary: float,
    sign: int = 1,
) -> float:
    """The chance that the last look names a winner, given the data so far and the prior.

    Averages over what the effect may be (Spiegelhalter, Freedman, Blackburn 1986): the prior
    N(0, prior_sd^2) and the data give a normal posterior, and what is still to come is normal
    around it. Not a bound: nobody has to stop at a small one, so alpha stays what it is.

    Args:
        contrast: what is known now.
        information: share of the planned information, (design_se / se)^2.
        prior_sd: of the effect, in the metric's unit; ``float("inf")`` for a flat prior.
        final_boundary: the z that the last look will ask for.
        sign: 1 when more is better, -1 when less is.
    """
    have, left = _information(contrast, information)
    posterior_variance = 1 / (have + prior_sd**-2)
    score = sign * contrast.z * have**0.5
    mean = score + left * score * posterior_variance
    variance = left + left**2 * posterior_variance
    return _chance_beyond(final_boundary * (have + left) ** 0.5, mean, variance)


def conditional_power(
    contrast: Contrast,
    information: float,
    final_boundary: float,
    effect: float | None = None,
    sign: int = 1,
) -> float:
    """The chance that the last look names a winner if ``effect`` is the truth.

    Args:
        contrast: what is known now.
        information: share of the planned information.
        final_boundary: the z that the last look will ask for.
        effect: in the metric's unit; None: the present estimate, the "current trend".
        sign: 1 when more is better, -1 when less is.
    """
    have, left = _information(contrast, information)
    score = sign * contrast.z * have**0.5
    trend = score / have if effect is None else sign * effect
    return _chance_beyond(final_boundary * (have + left) ** 0.5, score + left * trend, left)


def _information(contrast: Contrast, information: float) -> tuple[float, float]:
    """What there is, 1/se^2, and what is still to come before the planned amount."""
    have = contrast.se**-2
    return have, have * max(0.0, 1 / information - 1)


def _chance_beyond(bound: float, mean: float, variance: float) -> float:
    if variance == 0:
        return float(mean > bound)
    return float(ndtr((mean - bound) / variance**0.5))
