"""Quantiles of values that come several to a unit: Woodruff's error, with clusters counted."""

from typing import Final

from analysis.contrast import TOO_FEW_UNITS, Contrast, no_variance
from analysis.results import NotEstimable
from analysis.statistics.quantiles import Quantile

from . import welch

TOO_FAR_OUT: Final = NotEstimable(
    "too few values lie beyond the quantile to tell how far it may be off",
    "wait for more values, or choose a quantile nearer to the median",
)
TIED: Final = NotEstimable(
    "so many values are equal around the quantile that it cannot move by a little",
    "compare the share of values at or below it: kind proportion or rate",
)


def estimate(control: Quantile, treatment: Quantile) -> Contrast | NotEstimable:
    """How a quantile differs (Woodruff 1952; Deng, Knoblich, Lu 2018, section 4.2).

    The share of values at or below the quantile is a ratio over randomised units, so its error
    counts that a unit's values go together; divided by the density at the quantile, which is taken
    between the quantiles 1.96 such errors to each side, it is the quantile's own error.
    """
    for quantile in (control, treatment):
        if quantile.n < 2:
            return TOO_FEW_UNITS
        error = Quantile.share_error(quantile.counts)
        low, high = Quantile.shares_beside(quantile.share, error)
        if low <= 0 or high >= 1:
            return TOO_FAR_OUT
    if control.error == 0 or treatment.error == 0:
        if control.low == control.high and treatment.low == treatment.high:
            return no_variance(treatment.value, control.value)
        return TIED
    variance, variance_control = treatment.error**2, control.error**2
    return Contrast(
        method="quantile",
        n=treatment.n,
        n_control=control.n,
        n_learners=treatment.n_learners,
        n_learners_control=control.n_learners,
        mean=treatment.value,
        mean_control=control.value,
        variance=variance,
        variance_control=variance_control,
        covariance=0.0,
        df=welch.satterthwaite(variance, treatment.n - 1, variance_control, control.n - 1),
    )
