"""ClusterSums: per team, how many learners it has and what their values add up to."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .moments import Moments

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ClusterSums:
    """What is known of one variant when whole clusters (teams) were randomised."""

    columns: tuple[str, ...]
    n: npt.NDArray[np.int64] | Floats  # (J,) learners of each cluster, or what else weighs it
    sums: Floats  # (J, k)
    within: Floats | None = None  # (J, k) centred sums of squares in each cluster; None: not kept

    @classmethod
    def empty(cls, columns: tuple[str, ...]) -> "ClusterSums":
        """The sums of no clusters: adding them changes nothing."""
        nothing = np.zeros((0, len(columns)))
        return cls(columns, np.zeros(0, dtype=np.int64), nothing, nothing)

    def __add__(self, other: "ClusterSums") -> "ClusterSums":
        """Both sets of clusters together; no cluster may be in both.

        Raises:
            ValueError: the two describe different columns.
        """
        if self.columns != other.columns:
            raise ValueError(f"sums of {other.columns} cannot join sums of {self.columns}")
        kept = self.within is not None and other.within is not None
        return ClusterSums(
            self.columns,
            np.concatenate([self.n, other.n]),
            np.concatenate([self.sums, other.sums]),
            np.concatenate([self.within, other.within]) if kept else None,
        )

    @property
    def n_clusters(self) -> int:
        """How many clusters there are."""
        return len(self.n)

    @property
    def n_learners(self) -> int:
        """How many learners the clusters hold together."""
        return int(self.n.sum())

    def over_clusters(self) -> Moments:
        """The moments of the clusters' sums: one row a cluster."""
        return Moments.of(self.columns, self.sums)

    def sum_of(self, column: str) -> Floats:
        """The column's sum in each cluster, (J,)."""
        return self.sums[:, self.columns.index(column)]

    def within_of(self, column: str) -> Floats:
        """The column's centred sum of squares in each cluster, (J,).

        Raises:
            ValueError: squares were not collected.
        """
        if self.within is None:
            raise ValueError(f"{column}: squares within clusters were not collected")
        return self.within[:, self.columns.index(column)]

    def mean_of(self, column: str) -> float:
        """The column's mean over learners (a large team weighs more than a small one)."""
        return float(self.sum_of(column).sum() / self.n_learners)
