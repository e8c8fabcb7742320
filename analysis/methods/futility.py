"""Futility: whether it is worth waiting for the last look. Never binding, never costs alpha."""

from scipy.special import ndtr

from analysis.contrast import Contrast

UNLIKELY = 0.1
"""Below this chance of a winner at the last look, people are told that waiting may be futile."""

_NOTHING_YET = 1e-12


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
    left = _still_to_come(information)
    score, doubt = sign * contrast.z, contrast.se / prior_sd
    posterior_variance = 1 / (1 + doubt * doubt)
    mean = score + left * score * posterior_variance
    variance = left + left**2 * posterior_variance
    return _chance_beyond(final_boundary * (1 + left) ** 0.5, mean, variance)


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
    left = _still_to_come(information)
    score = sign * contrast.z
    trend = score if effect is None else sign * effect / contrast.se
    return _chance_beyond(final_boundary * (1 + left) ** 0.5, score + left * trend, left)


def _still_to_come(information: float) -> float:
    """What is still to come before the planned amount, in units of what there is.

    So everything is counted in standard errors: 1/se^2 of very small outcomes leaves a double.
    """
    return max(0.0, 1 / max(information, _NOTHING_YET) - 1)


def _chance_beyond(bound: float, mean: float, variance: float) -> float:
    if variance == 0:
        return float(mean > bound)
    return float(ndtr((mean - bound) / variance**0.5))
