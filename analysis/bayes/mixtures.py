"""Mixtures: many beliefs at once that are mixtures of normals with the same weights."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

Floats = npt.NDArray[np.float64]

_MOST_STEPS: Final = 80
_CLOSE: Final = 1e-13  # in the belief's standard deviations, and as a share of the value
_DENSITY: Final = 1 / np.sqrt(2 * np.pi)


@dataclass(frozen=True, eq=False)
class Mixtures:
    """Beliefs j = 1 ... J: sum over g of weights[g] N(means[g, j], sds[g, j]^2)."""

    weights: Floats  # (G,), sum 1
    means: Floats  # (G, J)
    sds: Floats  # (G, J)

    @cached_property
    def mean(self) -> Floats:
        """The expected values, (J,)."""
        return np.asarray(self.weights @ self.means)

    @cached_property
    def sd(self) -> Floats:
        """The standard deviations, (J,)."""
        return np.asarray(np.sqrt(self.weights @ (self.sds**2 + (self.means - self.mean) ** 2)))

    def above(self, value: float) -> Floats:
        """The chances to be above ``value``, (J,)."""
        return np.asarray(self.weights @ ndtr((self.means - value) / self.sds))

    def quantiles(self, shares: Sequence[float]) -> Floats:
        """The values that each stays below with these chances, (shares, J).

        By Newton's method, and by halving wherever a step would leave what is known to hold the
        value.
        """
        share = np.asarray(shares, dtype=np.float64)[:, None]
        # No distribution has more than 1/k^2 beyond k standard deviations (Chebyshev).
        reach = self.sd / np.sqrt(np.minimum(share, 1 - share))
        low, high = self.mean - reach, self.mean + reach
        at = self.mean + ndtri(share) * self.sd
        close = _CLOSE * (self.sd + np.abs(at))
        for _ in range(_MOST_STEPS):
            z = (at[:, None] - self.means) / self.sds  # (shares, G, J)
            over = self.weights @ ndtr(z) - share
            low, high = np.where(over < 0, at, low), np.where(over < 0, high, at)
            density = self.weights @ (np.exp(-0.5 * z * z) * _DENSITY / self.sds)
            with np.errstate(all="ignore"):  # far from everything the density is 0: halve
                step = at - over / density
            found = np.abs(step - at) <= close
            at = np.where(found | ((step > low) & (step < high)), step, (low + high) / 2)
            if found.all():
                break
        return np.asarray(at)


def weighted_quantiles(values: Floats, weights: Floats, shares: Sequence[float]) -> list[float]:
    """The values below which these shares of the weight lie; values ascend.

    Between two points the weight is spread evenly.
    """
    middle = np.cumsum(weights) - weights / 2
    return [float(each) for each in np.interp(shares, middle, values)]
