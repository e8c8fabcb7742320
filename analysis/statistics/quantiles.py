"""Quantile: a quantile of many values a unit, and what tells how far it may be off."""

from dataclasses import dataclass

import numpy as np

from analysis.normal import Z95

from .moments import Moments

WOODRUFF_Z = Z95
"""How many standard errors of the share the two neighbours stand apart from the quantile."""


@dataclass(frozen=True, eq=False)
class Quantile:
    """What is known of one variant's quantile; unlike moments, two of them cannot be added."""

    share: float  # 0.5 is the median
    value: float
    low: float  # the quantiles at ``shares_beside``
    high: float
    counts: Moments  # over units: values at or below ``value``, and values
    n_learners: int

    @staticmethod
    def share_error(counts: Moments) -> float:
        """The standard error of the share at or below a value: a ratio over units.

        With fewer than two units nothing is known, and the whole range of shares is the answer.
        """
        if counts.n < 2:
            return 1.0
        below, values = counts.mean
        residual = counts.linear(("r",), np.array([[1.0, -below / values]]))
        return float((residual.variance("r") / counts.n) ** 0.5 / values)

    @staticmethod
    def shares_beside(share: float, error: float) -> tuple[float, float]:
        """The shares of the neighbours from which the density is taken."""
        reach = WOODRUFF_Z * error
        return max(0.0, share - reach), min(1.0, share + reach)

    @property
    def columns(self) -> tuple[str, ...]:
        """What there is to compare."""
        return ("outcome",)

    @property
    def n(self) -> int:
        """How many units have values."""
        return self.counts.n

    @property
    def error(self) -> float:
        """The quantile's standard error: that of the share over the density."""
        error = self.share_error(self.counts)
        low, high = self.shares_beside(self.share, error)
        return error * (self.high - self.low) / (high - low) if high > low else 0.0

    def mean_of(self, column: str) -> float:
        """The quantile, whatever it is called."""
        del column
        return self.value

    def variance(self, column: str) -> float:
        """About one unit's variance: that of the quantile times their number."""
        del column
        return self.error**2 * self.n if self.n > 1 else 0.0
