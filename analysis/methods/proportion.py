"""Proportions with small counts: score tests and the intervals that invert them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr

from analysis.contrast import TOO_FEW_UNITS, Contrast, no_variance
from analysis.results import NotEstimable
from analysis.statistics.moments import Moments

FEW: Final = 20
"""Below so many of either kind in a variant, the spread is too unsure for a t interval."""

NORMAL_DF: Final = 1e10
"""Degrees of freedom at which t is normal to nine digits; infinity is no JSON number."""

_WIDEST: Final = 40.0
"""Ratios are looked for between e^-40 and e^40."""

Counts = tuple[int, int]  # how many, of how many


@dataclass(frozen=True)
class ScoreContrast(Contrast):
    """Two proportions; its intervals invert the score test, and lie within what is possible.

    The variances are those under "no difference", so effect / se is the score statistic.
    """

    count: int = 0
    count_control: int = 0

    def bounds(self, z: float) -> tuple[float, float]:
        """Every difference that the score test does not reject at ``z``."""
        return difference_interval(*self._counts(), z)

    def relative_bounds(self, z: float) -> tuple[float, float | None]:
        """Every share of the control's proportion that it does not reject; None: without end."""
        low, high = ratio_interval(*self._counts(), z)
        return low - 1, None if high is None else high - 1

    def _counts(self) -> tuple[Counts, Counts]:
        return (self.count_control, self.n_control), (self.count, self.n)


def fits(control: Moments, treatment: Moments, outcome: str = "outcome") -> bool:
    """Whether both outcomes are 0 or 1 throughout, and one of the four counts is small."""
    counts = [_count(moments, outcome) for moments in (control, treatment)]
    return any(k is not None and min(k, n - k) < FEW for k, n in _pairs(counts, control, treatment))


def estimate(
    control: Moments, treatment: Moments, outcome: str = "outcome"
) -> Contrast | NotEstimable:
    """How two proportions differ (Miettinen and Nurminen 1985).

    Raises:
        ValueError: the outcome is not 0 or 1.
    """
    if min(control.n, treatment.n) < 2:
        return TOO_FEW_UNITS
    k_control, k = _count(control, outcome), _count(treatment, outcome)
    if k is None or k_control is None:
        raise ValueError(f"{outcome}: expected only 0 and 1; other outcomes are means, use welch")
    n, n_control = treatment.n, control.n
    pooled = (k + k_control) / (n + n_control)
    spread = pooled * (1 - pooled) * (n + n_control) / (n + n_control - 1)
    if spread == 0:
        return no_variance(k / n, k_control / n_control)
    return ScoreContrast(
        method="proportion",
        n=n,
        n_control=n_control,
        n_learners=n,
        n_learners_control=n_control,
        mean=k / n,
        mean_control=k_control / n_control,
        variance=spread / n,
        variance_control=spread / n_control,
        covariance=0.0,
        df=NORMAL_DF,
        count=k,
        count_control=k_control,
    )


def _pairs(
    counts: list[int | None], control: Moments, treatment: Moments
) -> list[tuple[int | None, int]]:
    if None in counts:
        return []
    return list(zip(counts, (control.n, treatment.n), strict=True))


def _count(moments: Moments, outcome: str) -> int | None:
    """How many ones there are; None when other values than 0 and 1 occur.

    Of whole numbers only 0 and 1 have a sum of squares equal to their sum, so two moments tell.
    """
    total = moments.n * moments.mean_of(outcome)
    k = round(total)
    if not 0 <= k <= moments.n or abs(total - k) > 1e-6:
        return None
    expected = k * (1 - k / moments.n) if moments.n else 0.0
    return (
        k if abs(moments.cross(outcome, outcome) - expected) <= 1e-6 * max(1.0, expected) else None
    )


# --- tests


def score(control: Counts, treatment: Counts, difference: float = 0.0) -> float:
    """The normal score of "treatment - control is this difference"."""
    (k0, n0), (k1, n1) = control, treatment
    p0 = _control_at_difference(control, treatment, difference)
    p1 = min(1.0, max(0.0, p0 + difference))
    gap = k1 / n1 - k0 / n0 - difference
    return _standardised(gap, p1 * (1 - p1) / n1 + p0 * (1 - p0) / n0, n0 + n1)


def ratio_score(control: Counts, treatment: Counts, ratio: float = 1.0) -> float:
    """The normal score of "treatment / control is this ratio"."""
    (k0, n0), (k1, n1) = control, treatment
    b = n1 * ratio + k1 + n0 + k0 * ratio
    # The smaller root of N r p^2 - b p + (k0 + k1), in the form that does not cancel.
    under = max(0.0, b**2 - 4 * (n0 + n1) * ratio * (k0 + k1))
    p0 = 2 * (k0 + k1) / (b + under**0.5)
    p1 = min(1.0, ratio * p0)
    gap = k1 / n1 - ratio * k0 / n0
    return _standardised(gap, p1 * (1 - p1) / n1 + ratio**2 * p0 * (1 - p0) / n0, n0 + n1)


def non_inferiority_p(control: Counts, treatment: Counts, margin: float) -> float:
    """The one-sided p value of "the treatment is worse by ``margin`` or more"; margin > 0."""
    return float(ndtr(-score(control, treatment, -margin)))


def _standardised(gap: float, variance: float, n: int) -> float:
    if abs(gap) < 1e-15:
        return 0.0
    return float(gap / max(variance * n / (n - 1), 1e-300) ** 0.5)


def _control_at_difference(control: Counts, treatment: Counts, d: float) -> float:
    """The likeliest control proportion when the two differ by d: the root of their cubic."""
    (k0, n0), (k1, n1) = control, treatment
    n, k = n0 + n1, k0 + k1
    a = ((n1 + 2 * n0) * d - n - k) / (3 * n)
    b = ((n0 * d - n - 2 * k0) * d + k) / (3 * n)
    c = k0 * d * (1 - d) / n
    q = a**3 - 1.5 * a * b + c / 2
    u = max(a**2 - b, 0.0) ** 0.5 * (1 if q >= 0 else -1)
    angle = 1.0 if u == 0 else min(1.0, max(-1.0, q / u**3))
    root = 2 * u * float(np.cos((np.pi + np.arccos(angle)) / 3)) - a
    return float(min(max(root, 0.0, -d), 1.0, 1 - d))


# --- intervals


def difference_interval(control: Counts, treatment: Counts, z: float) -> tuple[float, float]:
    """Every difference that the score test does not reject at ``z``."""
    estimate = treatment[0] / treatment[1] - control[0] / control[1]

    def excess(sign: int) -> Callable[[float], float]:
        return lambda d: sign * score(control, treatment, d) - z

    low = _cross(excess(1), -1.0, estimate)
    high = _cross(excess(-1), 1.0, estimate)
    return low, high


def ratio_interval(control: Counts, treatment: Counts, z: float) -> tuple[float, float | None]:
    """Every ratio that the score test does not reject at ``z``; None: no upper end."""
    (k0, n0), (k1, n1) = control, treatment
    share = (k1 / n1) / (k0 / n0) if k0 else float("inf")
    centre = float(np.clip(np.log(share), -_WIDEST, _WIDEST)) if share else -_WIDEST

    def excess(sign: int) -> Callable[[float], float]:
        return lambda x: sign * ratio_score(control, treatment, float(np.exp(x))) - z

    low = float(np.exp(_cross(excess(1), -_WIDEST, centre))) if k1 else 0.0
    high = float(np.exp(_cross(excess(-1), _WIDEST, centre))) if k0 else None
    return low, high


def _cross(excess: Callable[[float], float], far: float, near: float) -> float:
    """Where the excess turns from positive (far) to negative (near)."""
    if far == near or excess(far) <= 0:
        return far
    if excess(near) >= 0:
        return near
    return float(brentq(excess, far, near, xtol=1e-15, rtol=1e-14))


def newcombe_interval(control: Counts, treatment: Counts, z: float) -> tuple[float, float]:
    """Newcombe's (1998) interval of the difference, from the two Wilson intervals."""
    (low0, high0), (low1, high1) = wilson_interval(control, z), wilson_interval(treatment, z)
    p0, p1 = control[0] / control[1], treatment[0] / treatment[1]
    down = ((p1 - low1) ** 2 + (high0 - p0) ** 2) ** 0.5
    up = ((high1 - p1) ** 2 + (p0 - low0) ** 2) ** 0.5
    return p1 - p0 - down, p1 - p0 + up


def wilson_interval(counts: Counts, z: float) -> tuple[float, float]:
    """Wilson's (1927) interval of one proportion."""
    k, n = counts
    p = k / n
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    reach = z / (1 + z**2 / n) * (p * (1 - p) / n + z**2 / (4 * n**2)) ** 0.5
    return centre - reach, centre + reach
