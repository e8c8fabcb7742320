"""Belief: a posterior as a mixture of normals, exact to evaluate; one normal is the usual case."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from analysis.normal import Z95

from .prior import Prior

Floats = npt.NDArray[np.float64]

_BISECTIONS = 44


@dataclass(frozen=True, eq=False)
class Belief:
    """What is believed of one effect: weights that sum to 1, means and sds."""

    weights: Floats
    means: Floats
    sds: Floats

    @classmethod
    def normal(cls, mean: float, sd: float) -> "Belief":
        """A single normal."""
        return cls(np.ones(1), np.array([mean]), np.array([sd]))

    @classmethod
    def after(cls, prior: Prior, effect: float, se: float) -> "Belief":
        """Prior times the likelihood N(effect, se^2): each scale is weighed by how it foretold."""
        prior_weights, scales = np.array(prior.parts).T
        total = scales**2 + se**2
        keep = scales**2 / total
        log = np.log(prior_weights) - 0.5 * (np.log(total) + (effect - prior.mean) ** 2 / total)
        weights = np.exp(log - log.max())
        return cls(
            weights / weights.sum(),
            prior.mean + keep * (effect - prior.mean),
            np.sqrt(keep) * se,
        )

    @cached_property
    def mean(self) -> float:
        """The expected effect."""
        return float(self.weights @ self.means)

    @cached_property
    def sd(self) -> float:
        """The standard deviation."""
        return float((self.weights @ (self.sds**2 + (self.means - self.mean) ** 2)) ** 0.5)

    def above(self, value: float) -> float:
        """The chance that the effect is above ``value``."""
        return float(self.weights @ ndtr((self.means - value) / self.sds))

    def loss(self, sign: int = 1) -> float:
        """What acting costs on average where it is the worse choice: E[max(0, -sign * effect)]."""
        x = sign * self.means / self.sds
        density = np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
        return max(0.0, float(self.weights @ (self.sds * (density - x * ndtr(-x)))))

    def interval(self, chance: float = 0.95) -> tuple[float, float]:
        """The equal-tailed interval; of one normal it is the highest density interval as well."""
        tails = ((1 - chance) / 2, (1 + chance) / 2)
        if len(self.means) == 1:
            from scipy.special import ndtri

            mean, sd = float(self.means[0]), float(self.sds[0])
            z = Z95 if chance == 0.95 else float(ndtri(tails[1]))
            return mean - z * sd, mean + z * sd
        return self.quantile(tails[0]), self.quantile(tails[1])

    def quantile(self, share: float) -> float:
        """The value that the effect stays below with this chance, 0 < share < 1."""
        # No distribution has more than 1/k^2 beyond k standard deviations (Chebyshev).
        reach = self.sd / min(share, 1 - share) ** 0.5
        low, high = self.mean - reach, self.mean + reach
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2
            if 1 - self.above(middle) < share:
                low = middle
            else:
                high = middle
        return float((low + high) / 2)


def chances_to_be_best(
    weights: Floats, gaps: Sequence[Floats], noises: Sequence[Floats], shared: Sequence[Floats]
) -> Floats:
    """The chance of each variant to have the best mean, the control (gap 0) first.

    A mixture of joint posteriors in each of which treatment i's gap to the control is
    ``gaps[i] + noises[i] e_i + shared[i] f`` with standard normal e_i and one common f: the error
    of the control that all treatments were compared with.
    """
    total = np.zeros(len(gaps[0]) + 1)
    for weight, gap, noise, common in zip(weights, gaps, noises, shared, strict=True):
        total += weight * _one_factor(gap, noise, common)
    return np.asarray(total / total.sum())


_REACH = 6.5
_FEWEST_POINTS, _MOST_POINTS = 28, 240


@lru_cache(maxsize=256)
def _legendre(points: int) -> tuple[Floats, Floats]:
    return np.polynomial.legendre.leggauss(points)


def _one_factor(gap: Floats, noise: Floats, common: Floats) -> Floats:
    """By Gauss-Legendre over the common error and, inside, over the best treatment's gap."""
    steepest = float(np.max(np.abs(common) / noise))
    nodes, masses = _legendre(int(np.clip(20 * (1 + steepest), _FEWEST_POINTS, _MOST_POINTS)))
    f = _REACH * nodes
    at_f = _REACH * masses * np.exp(-(f**2) / 2) / np.sqrt(2 * np.pi)
    centre = gap[:, None] + common[:, None] * f  # (m, F)
    best = np.empty(len(gap) + 1)
    best[0] = at_f @ ndtr(-centre / noise[:, None]).prod(axis=0)
    for k in range(len(gap)):
        best[k + 1] = at_f @ _wins(k, centre, noise)
    return best


def _wins(k: int, centre: Floats, noise: Floats) -> Floats:
    """The chance of treatment k to beat 0 and all others, at each value of the common error."""
    others = [i for i in range(len(noise)) if i != k]
    if not others:
        return np.asarray(ndtr(centre[k] / noise[k]))
    low = np.maximum(0.0, centre[k] - _REACH * noise[k])
    high = np.maximum(low, centre[k] + _REACH * noise[k])
    steepest = noise[k] / float(noise[others].min())
    nodes, masses = _legendre(int(np.clip(16 * (1 + steepest), _FEWEST_POINTS, _MOST_POINTS)))
    half = (high - low) / 2
    x = (low + high)[:, None] / 2 + half[:, None] * nodes  # (F, X)
    z = (x - centre[k][:, None]) / noise[k]
    density = np.exp(-(z**2) / 2) / (np.sqrt(2 * np.pi) * noise[k])
    for i in others:
        density *= ndtr((x - centre[i][:, None]) / noise[i])
    return np.asarray(half * (density @ masses))
