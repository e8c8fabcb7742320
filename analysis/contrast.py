"""Contrast: what a method finds out about two variants, before any level or prior is chosen."""

from dataclasses import dataclass

from scipy.special import ndtr, ndtri, stdtr, stdtrit

from .results import NotEstimable

FARTHEST_Z = 8.0
"""A bound this far out (p = 1e-15) stands for "out of reach"; beyond, tails leave a double."""


@dataclass(frozen=True)
class Contrast:
    """Treatment against control: two means, how far each may be off, and what follows."""

    method: str
    n: int  # randomised units
    n_control: int
    n_learners: int
    n_learners_control: int
    mean: float
    mean_control: float
    variance: float  # of the treatment's mean, not of the learners
    variance_control: float
    covariance: float  # of the two means; not 0 when a covariate is shared
    df: float
    variance_reduction: float = 0.0  # 0-1

    @property
    def effect(self) -> float:
        """Treatment minus control."""
        return self.mean - self.mean_control

    @property
    def se(self) -> float:
        """The standard error of the effect."""
        return float((self.variance + self.variance_control - 2 * self.covariance) ** 0.5)

    @property
    def p_value(self) -> float:
        """Two-sided, of a test made once."""
        return float(2 * stdtr(self.df, -abs(self.effect / self.se)))

    @property
    def z(self) -> float:
        """The normal score with the same tail probability as t: comparable with a boundary."""
        return t_to_z(self.effect / self.se, self.df)

    def bounds(self, z: float) -> tuple[float, float]:
        """The interval that excludes 0 exactly when the test rejects at the normal score ``z``."""
        reach = critical_t(z, self.df) * self.se
        return self.effect - reach, self.effect + reach


def critical_t(z: float, df: float) -> float:
    """The t quantile that leaves as much in the tail as the normal quantile ``z``.

    With few teams this is what keeps a boundary honest: at 6 degrees of freedom 1.96 becomes 2.45.
    Finite up to ``FARTHEST_Z`` and well beyond.
    """
    return float(-stdtrit(df, ndtr(-z)))


def t_to_z(t: float, df: float) -> float:
    """The normal quantile that leaves as much in the tail as ``t``."""
    tail = float(stdtr(df, -abs(t)))
    z = -float(ndtri(max(tail, 1e-300)))
    return z if t >= 0 else -z


TOO_FEW_UNITS = NotEstimable(
    "fewer than two units of a variant have a complete outcome",
    "add units, or wait until more outcome windows are complete",
)
WHOLLY_EXPLAINED = NotEstimable(
    "the covariate explains the outcome without remainder",
    "choose a covariate measured before exposure, not the outcome itself",
)
NO_VARIANCE = NotEstimable(
    "every unit has the same outcome, so there is nothing to compare",
    "check that the metric's events arrive and that the outcome varies",
)
NO_VARIANCE_WITHIN = NotEstimable(
    "the outcome differs between variants but not within one, so chance cannot be judged",
    "check that the outcome is measured on each unit and not filled in by variant",
)


def no_variance(mean: float, mean_control: float) -> NotEstimable:
    """Why two constants cannot be compared: they are the same, or leave no error to judge by."""
    rounding = 1e-12 * max(abs(mean), abs(mean_control))
    return NO_VARIANCE if abs(mean - mean_control) <= rounding else NO_VARIANCE_WITHIN
