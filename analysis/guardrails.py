"""Guardrails: whether a treatment spares what it must not harm."""

from scipy.special import ndtri

from .case import Guardrail, GuardrailState
from .contrast import NO_VARIANCE, Contrast, critical_t
from .estimate import Compared
from .levels import MetricLevel
from .normal import Z95
from .results import NotEstimable

FARTHEST_SHORT = 1e4
"""So many times too imprecise is out of reach: no number of units is named then."""


def guardrail_power(power: float, n_guardrails: int) -> float:
    """The power that each guardrail is planned with, so that all are shown with about ``power``.

    A SHIP needs the primary and every guardrail at once. Alpha need not be divided for that, but
    the chance to miss adds up: beta is divided by their number, the primary included.
    """
    return 1 - (1 - power) / (n_guardrails + 1)


def standing(
    compared: Compared, variant: str, level: MetricLevel, harm_z: float, power: float
) -> Guardrail:
    """How one treatment stands with one guardrail.

    Args:
        compared: the guardrail's contrasts.
        variant: the treatment.
        level: the guardrail's, at this look.
        harm_z: always valid, one-sided.
        power: that this guardrail is planned with.
    """
    metric, contrast = compared.metric, compared.contrasts[variant]
    if isinstance(contrast, NotEstimable):
        return _without_estimate(compared, contrast)
    limit = metric.margin if metric.margin is not None else metric.minimum_effect or 0.0
    worst = -_good_bounds(compared, contrast, level.z[variant])[0]
    state: GuardrailState
    if _good_bounds(compared, contrast, harm_z)[1] < -limit:
        state = "harmed"
    elif metric.margin is not None and worst < limit:
        state = "non-inferior"
    elif _good_bounds(compared, contrast, Z95)[1] < -limit:
        state = "worse"
    else:
        state = "not worse" if metric.margin is None else "open"
    return Guardrail(
        metric.title,
        state,
        metric.unit_label,
        metric.margin,
        worst,
        _times_the_units(metric.margin, contrast, critical_t(level.z[variant], contrast.df), power),
    )


def _good_bounds(compared: Compared, contrast: Contrast, z: float) -> tuple[float, float]:
    """The interval, good direction positive."""
    low, high = sorted(compared.sign * bound for bound in contrast.bounds(z))
    return low, high


def _without_estimate(compared: Compared, why: NotEstimable) -> Guardrail:
    """The same value for everybody is good news; anything else is not known."""
    metric = compared.metric
    if why != NO_VARIANCE:
        return Guardrail(metric.title, "unknown", metric.unit_label, metric.margin)
    state: GuardrailState = "not worse" if metric.margin is None else "non-inferior"
    return Guardrail(metric.title, state, metric.unit_label, metric.margin, worst=0.0)


def _times_the_units(
    margin: float | None, contrast: Contrast, bar: float, power: float
) -> float | None:
    """How many times the present units show a spared guardrail spared: from precision alone."""
    if not margin:
        return None
    short = contrast.se * (bar + float(ndtri(power))) / margin
    return short**2 if short < FARTHEST_SHORT else None
