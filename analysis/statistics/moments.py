"""Moments: count, means and centred cross products of a variant's units; they merge with ``+``."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_ROUNDING = 1e-12
"""A sum of squares this small a part of the terms it is the sum of is what rounding left of 0."""


@dataclass(frozen=True, eq=False)
class Moments:
    """What is known of the units of one variant: enough for means, variances and covariances.

    Centred (never raw sums of squares), so that a large mean does not eat a small variance.
    """

    columns: tuple[str, ...]
    n: int
    mean: Floats  # (k,)
    m2: Floats  # (k, k): sum over units of (x - mean)(x - mean)'

    @classmethod
    def of(cls, columns: tuple[str, ...], rows: Floats) -> "Moments":
        """The moments of rows already in memory, (n, k)."""
        mean = rows.mean(axis=0) if len(rows) else np.zeros(len(columns))
        centred = rows - mean
        return cls(columns, len(rows), mean, centred.T @ centred)

    @classmethod
    def empty(cls, columns: tuple[str, ...]) -> "Moments":
        """The moments of no units: adding them changes nothing."""
        k = len(columns)
        return cls(columns, 0, np.zeros(k), np.zeros((k, k)))

    def __add__(self, other: "Moments") -> "Moments":
        """The moments of both sets of units together (Chan, Golub, LeVeque 1979).

        Raises:
            ValueError: the two describe different columns.
        """
        if self.columns != other.columns:
            raise ValueError(f"moments of {other.columns} cannot join moments of {self.columns}")
        n = self.n + other.n
        if n == 0:
            return self
        gap = other.mean - self.mean
        return Moments(
            self.columns,
            n,
            self.mean + gap * (other.n / n),
            self.m2 + other.m2 + np.outer(gap, gap) * (self.n * other.n / n),
        )

    @classmethod
    def total(cls, parts: Sequence["Moments"]) -> "Moments":
        """The moments of all the units together: what ``+`` gives one by one, at once.

        Raises:
            ValueError: there are none, or they describe different columns.
        """
        if not parts or any(each.columns != parts[0].columns for each in parts):
            found = sorted({each.columns for each in parts})
            raise ValueError(f"moments: found columns {found}, expected the same ones in each")
        n = np.array([each.n for each in parts], dtype=np.int64)
        whole = int(n.sum())
        if len(parts) == 1 or whole == 0:
            return parts[0]
        means = np.stack([each.mean for each in parts])
        largest = means[n.argmax()]  # gaps from a mean that counts: what they share costs no digits
        shift = n @ (means - largest) / whole
        apart = means - largest - shift
        within = np.sum([each.m2 for each in parts], axis=0)
        return cls(parts[0].columns, whole, largest + shift, within + (apart.T * n) @ apart)

    def linear(
        self, columns: tuple[str, ...], weights: Floats, shift: Floats | None = None
    ) -> "Moments":
        """The moments of ``weights @ x + shift``: what the rows would give after that change.

        Where the terms cancel, as for a ratio that is the same for every unit, the new column does
        not vary: rounding would leave it a tiny variance, of either sign.

        Args:
            columns: the new columns, k.
            weights: (k, number of present columns).
            shift: (k,); none is 0.
        """
        mean = weights @ self.mean
        return Moments(
            columns,
            self.n,
            mean if shift is None else mean + shift,
            self._weighted_m2(weights),
        )

    def _weighted_m2(self, weights: Floats) -> Floats:
        m2: Floats = weights @ self.m2 @ weights.T
        terms = np.diag(np.abs(weights) @ np.abs(self.m2) @ np.abs(weights).T)
        constant = np.isfinite(terms) & (np.diag(m2) <= _ROUNDING * terms)
        m2[constant, :] = m2[:, constant] = 0.0
        return m2

    def only(self, columns: tuple[str, ...]) -> "Moments":
        """The moments of some of the columns, in this order."""
        at = [self.columns.index(column) for column in columns]
        return Moments(columns, self.n, self.mean[at], self.m2[np.ix_(at, at)])

    @property
    def n_learners(self) -> int:
        """How many learners there are: each is a unit."""
        return self.n

    def mean_of(self, column: str) -> float:
        """The column's mean."""
        return float(self.mean[self.columns.index(column)])

    def variance(self, column: str) -> float:
        """The column's sample variance (divisor n - 1); rounding never takes it below 0."""
        return max(self.covariance(column, column), 0.0)

    def covariance(self, a: str, b: str) -> float:
        """The sample covariance of two columns (divisor n - 1)."""
        return self.cross(a, b) / (self.n - 1)

    def cross(self, a: str, b: str) -> float:
        """The centred sum of cross products of two columns."""
        return float(self.m2[self.columns.index(a), self.columns.index(b)])
