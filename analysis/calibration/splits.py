"""Splits: the same learners, divided at random again and again, as sufficient statistics."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from analysis.history import Floats, Ints
from analysis.statistics.clusters import ClusterSums
from analysis.statistics.moments import Moments

Bools = npt.NDArray[np.bool_]
Draw = Callable[[int, int], Bools]
"""(number of the first split, how many) -> (splits, units): who gets the treatment."""

_CELLS: Final = 4_000_000
"""Draws that are held in memory at a time."""


@dataclass(frozen=True)
class Arms:
    """One split at one look."""

    control: Moments | ClusterSums
    treatment: Moments | ClusterSums


def fair_draws(n_units: int, seed: int) -> Draw:
    """A fair coin for every unit; each split has a seed of its own, so any can be drawn again."""

    def draw(first: int, n_splits: int) -> Bools:
        splits = range(first, first + n_splits)
        return np.stack([np.random.default_rng((seed, s)).random(n_units) < 0.5 for s in splits])

    return draw


class Splitter:
    """Makes the moments of both arms from sums over units: a matrix product for many splits.

    The values are centred first; both arms of a random split lie so close to that centre that
    nothing is lost.
    """

    def __init__(
        self, columns: tuple[str, ...], values: Floats, look: Ints, unit: Ints | None = None
    ) -> None:
        """Prepare the sums.

        Args:
            columns: names of the values.
            values: (n, k), one row a learner.
            look: (n,) at which look a learner's outcome is first there, from 0.
            unit: (n,) what is drawn, numbered from 0; None: each learner.
        """
        self._columns = columns
        self._centre = values.mean(axis=0)
        centred = values - self._centre
        self._pairs = np.triu_indices(values.shape[1])
        products = centred[:, self._pairs[0]] * centred[:, self._pairs[1]]
        rows = np.column_stack([np.ones(len(values)), centred, products])
        self.n_units = len(values) if unit is None else int(unit.max()) + 1
        self._by_look = [
            _sums(rows, look == number, unit, self.n_units) for number in range(look.max() + 1)
        ]

    def moments(self, draw: Draw, n_splits: int) -> Iterator[list[Arms]]:
        """Per split the arms at each look, earlier looks included, of learners."""
        for treated in _portions(draw, n_splits, self.n_units):
            drawn = treated.astype(np.float64)
            # (looks, splits, features), cumulative over looks
            mine = np.cumsum([drawn @ rows for rows in self._by_look], axis=0)
            whole = np.cumsum([rows.sum(axis=0) for rows in self._by_look], axis=0)
            for split in range(len(treated)):
                yield [
                    Arms(self._moments(whole[at] - mine[at, split]), self._moments(mine[at, split]))
                    for at in range(len(whole))
                ]

    def cluster_sums(self, draw: Draw, n_splits: int) -> Iterator[list[Arms]]:
        """Per split the arms at each look, earlier looks included, of drawn units."""
        k = len(self._columns)
        so_far = np.cumsum([rows[:, : k + 1] for rows in self._by_look], axis=0)
        for treated in _portions(draw, n_splits, self.n_units):
            for drawn in treated:
                yield [Arms(self._sums(all_[~drawn]), self._sums(all_[drawn])) for all_ in so_far]

    def _moments(self, sums: Floats) -> Moments:
        k, n = len(self._columns), round(float(sums[0]))
        if n == 0:
            return Moments.empty(self._columns)
        mean = sums[1 : k + 1] / n
        raw = np.zeros((k, k))
        raw[self._pairs] = sums[k + 1 :]
        raw = np.triu(raw) + np.triu(raw, 1).T
        return Moments(self._columns, n, mean + self._centre, raw - n * np.outer(mean, mean))

    def _sums(self, rows: Floats) -> ClusterSums:
        there = rows[rows[:, 0] > 0]
        n = np.round(there[:, 0]).astype(np.int64)
        return ClusterSums(self._columns, n, there[:, 1:] + n[:, None] * self._centre)


def _sums(rows: Floats, here: Bools, unit: Ints | None, n_units: int) -> Floats:
    """(units, features): the rows of one look, added up by unit."""
    if unit is None:
        return np.where(here[:, None], rows, 0.0)
    weights = (np.where(here, column, 0.0) for column in rows.T)
    return np.column_stack([np.bincount(unit, column, minlength=n_units) for column in weights])


def _portions(draw: Draw, n_splits: int, n_units: int) -> Iterator[Bools]:
    step = max(1, _CELLS // n_units)
    for first in range(0, n_splits, step):
        yield draw(first, min(step, n_splits - first))
