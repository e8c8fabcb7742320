"""LifeTable: after how many days something happened, and until when the others were watched."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class LifeTable:
    """All that survival methods need of one variant, up to a horizon.

    A learner leaves at ``time``: by the event, or because it was watched no longer (censored). Who
    is censored at a time was still at risk when the events of that time happened.
    """

    horizon: float  # times up to here; later ones are censored at it
    time: Floats  # (d,), increasing
    events: Counts  # (d,)
    censored: Counts  # (d,)

    @classmethod
    def of(cls, horizon: float, rows: Iterable[tuple[float, bool, int]]) -> "LifeTable":
        """From counts: (time, whether it was the event, how many learners)."""
        events: dict[float, int] = {}
        censored: dict[float, int] = {}
        for time, event, n in rows:
            inside = min(float(time), float(horizon))
            into = events if event and time <= horizon else censored
            into[inside] = into.get(inside, 0) + n
        times = sorted({*events, *censored})
        return cls(
            float(horizon),
            np.array(times, dtype=np.float64),
            np.array([events.get(time, 0) for time in times], dtype=np.int64),
            np.array([censored.get(time, 0) for time in times], dtype=np.int64),
        )

    def __add__(self, other: "LifeTable") -> "LifeTable":
        """Both sets of learners together.

        Raises:
            ValueError: the horizons differ.
        """
        if self.horizon != other.horizon:
            raise ValueError(
                f"a life table up to {other.horizon:g} cannot join one up to {self.horizon:g}"
            )
        rows = [
            (time, event, int(n))
            for table in (self, other)
            for event, counts in ((True, table.events), (False, table.censored))
            for time, n in zip(table.time, counts, strict=True)
        ]
        return LifeTable.of(self.horizon, rows)

    @property
    def columns(self) -> tuple[str, ...]:
        """What there is to compare: the time, up to the horizon."""
        return ("outcome",)

    @property
    def n(self) -> int:
        """How many learners were watched."""
        return int(self.events.sum() + self.censored.sum())

    @property
    def n_learners(self) -> int:
        """The same: learners are the units."""
        return self.n

    @property
    def at_risk(self) -> Counts:
        """How many were still watched, and without the event, just before each time."""
        left = self.events + self.censored
        found: Counts = np.cumsum(left[::-1])[::-1]
        return found

    @property
    def is_watched_to_horizon(self) -> bool:
        """Whether anybody was still watched at the horizon, or nobody was left before it."""
        return self.n > 0 and (float(self.time[-1]) >= self.horizon or int(self.censored[-1]) == 0)

    def survival(self) -> Floats:
        """Kaplan and Meier's share without the event, after each time."""
        return np.cumprod(1 - self.events / self.at_risk, dtype=np.float64)

    def share_without(self) -> tuple[float, float]:
        """The share without the event at the horizon, and its variance (Greenwood)."""
        share = float(self.survival()[-1])
        return share, share**2 * float(self._hazard_variance().sum()) if share > 0 else 0.0

    def restricted_mean(self) -> tuple[float, float]:
        """The mean time until the event, counted up to the horizon, and its variance."""
        edges = np.r_[0.0, self.time, self.horizon]
        steps = np.diff(edges) * np.r_[1.0, self.survival()]
        rest = np.cumsum(steps[::-1])[::-1][1:]  # the area from each time on
        return float(steps.sum()), float((rest**2 * self._hazard_variance()).sum())

    def _hazard_variance(self) -> Floats:
        at_risk = self.at_risk.astype(np.float64)
        left = at_risk - self.events
        # Where the last ones at risk all had the event, nothing is left to vary.
        found = np.zeros(len(left))
        np.divide(self.events, at_risk * left, out=found, where=left > 0)
        return found

    def mean_of(self, column: str) -> float:
        """The restricted mean, whatever it is called."""
        del column
        return self.restricted_mean()[0]

    def variance(self, column: str) -> float:
        """About one learner's variance: that of the restricted mean times their number."""
        del column
        return self.restricted_mean()[1] * self.n
