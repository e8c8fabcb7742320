"""CUPED: the same comparison after what units did before exposure has been taken out."""

from dataclasses import replace

from analysis.contrast import TOO_FEW_UNITS, WHOLLY_EXPLAINED, Contrast
from analysis.results import NotEstimable
from analysis.statistics.moments import Moments

from . import welch

# A covariate whose spread is this small a part of its size is rounding, not information.
_RELATIVE_SPREAD = 1e-12


def estimate(
    control: Moments,
    treatment: Moments,
    outcome: str = "outcome",
    covariate: str = "covariate",
) -> Contrast | NotEstimable:
    """How the means differ at equal covariates (Deng, Xu, Kohavi, Walker 2013, section 3).

    One slope, pooled within variants, as in an analysis of covariance: the estimate is that of the
    regression outcome ~ treatment + covariate. Variances stay separate per variant (Welch); the
    slope's own uncertainty is counted, so that small samples do not promise too much. A covariate
    that does not vary leaves the unadjusted comparison.
    """
    if min(control.n, treatment.n) < 2:
        return TOO_FEW_UNITS
    plain = welch.estimate(control, treatment, outcome)
    spread = control.cross(covariate, covariate) + treatment.cross(covariate, covariate)
    both = control + treatment
    n = both.n
    size = n * both.mean_of(covariate) ** 2
    if isinstance(plain, NotEstimable) or n < 6 or spread <= _RELATIVE_SPREAD * size:
        return plain
    shared = control.cross(outcome, covariate) + treatment.cross(outcome, covariate)
    slope = shared / spread
    residual = _residual(treatment, outcome, covariate, slope)
    residual_control = _residual(control, outcome, covariate, slope)
    total = control.cross(outcome, outcome) + treatment.cross(outcome, outcome)
    if residual + residual_control <= _RELATIVE_SPREAD * total:
        return WHOLLY_EXPLAINED
    slope_variance = (residual + residual_control) / (n - 3) / spread
    # The slope was fitted to the same units: one degree of freedom is gone.
    spent = (n - 2) / (n - 3)
    variance = spent * residual / (treatment.n - 1) / treatment.n
    variance_control = spent * residual_control / (control.n - 1) / control.n
    gap = treatment.mean_of(covariate) - both.mean_of(covariate)
    gap_control = control.mean_of(covariate) - both.mean_of(covariate)
    df = welch.satterthwaite(variance, treatment.n - 1, variance_control, control.n - 1) - 1
    adjusted = replace(
        plain,
        method="cuped",
        mean=treatment.mean_of(outcome) - slope * gap,
        mean_control=control.mean_of(outcome) - slope * gap_control,
        variance=variance + gap**2 * slope_variance,
        variance_control=variance_control + gap_control**2 * slope_variance,
        covariance=gap * gap_control * slope_variance,
        df=max(df, 1.0),
    )
    return replace(adjusted, variance_reduction=max(0.0, 1 - (adjusted.se / plain.se) ** 2))


def _residual(moments: Moments, outcome: str, covariate: str, slope: float) -> float:
    """The sum of squares that the covariate leaves unexplained in one variant."""
    left = (
        moments.cross(outcome, outcome)
        - 2 * slope * moments.cross(outcome, covariate)
        + slope**2 * moments.cross(covariate, covariate)
    )
    return max(0.0, left)
