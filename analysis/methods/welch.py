"""Welch's test: two means whose variances may differ."""

from analysis.contrast import TOO_FEW_UNITS, Contrast, no_variance
from analysis.results import NotEstimable
from analysis.statistics.moments import Moments

# A spread this small a part of the mean is what rounding leaves of a constant.
_ROUNDING = 1e-13


def estimate(
    control: Moments, treatment: Moments, outcome: str = "outcome"
) -> Contrast | NotEstimable:
    """How the treatment's mean differs from the control's (Welch 1947).

    The degrees of freedom are Satterthwaite's (1946). One row per randomised unit is assumed.
    """
    if min(control.n, treatment.n) < 2:
        return TOO_FEW_UNITS
    variance = treatment.variance(outcome) / treatment.n
    variance_control = control.variance(outcome) / control.n
    size = max(abs(treatment.mean_of(outcome)), abs(control.mean_of(outcome)))
    if variance + variance_control <= (_ROUNDING * size) ** 2:
        return no_variance(treatment.mean_of(outcome), control.mean_of(outcome))
    return Contrast(
        method="welch",
        n=treatment.n,
        n_control=control.n,
        n_learners=treatment.n,
        n_learners_control=control.n,
        mean=treatment.mean_of(outcome),
        mean_control=control.mean_of(outcome),
        variance=variance,
        variance_control=variance_control,
        covariance=0.0,
        df=satterthwaite(variance, treatment.n - 1, variance_control, control.n - 1),
    )


def satterthwaite(variance_a: float, df_a: float, variance_b: float, df_b: float) -> float:
    """The degrees of freedom of a sum of two independent variance estimates."""
    total = variance_a + variance_b
    share_a, share_b = variance_a / total, variance_b / total
    return 1.0 / (share_a**2 / df_a + share_b**2 / df_b)
