"""Accrual: how many units an experiment meets by when, and when that is enough."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from .design import PlannedDesign
from .sizes import Duration, days_to_enrol, detectable_with

LATE_DAYS = 14
"""Whole weeks; after the known days units keep coming as in these last ones."""

_REACH = 1.645  # normal score of a 90 % interval


@dataclass(frozen=True)
class Accrual:
    """New units per day since a start: most of those who are active soon, then fewer."""

    daily: tuple[float, ...]

    @classmethod
    def steady(cls, units_per_day: float) -> "Accrual":
        """The same number every day."""
        return cls((units_per_day,) * LATE_DAYS)

    @property
    def pace(self) -> float:
        """Units per day after the known days."""
        late = self.daily[-LATE_DAYS:]
        return sum(late) / len(late) if late else 0.0

    def units_by(self, day: int) -> float:
        """How many units have come by the end of so many days."""
        known = sum(self.daily[: max(day, 0)])
        return known + self.pace * max(0, day - len(self.daily))

    def days_for(self, units: float, window_days: int = 0) -> Duration | None:
        """How long until so many units have come and their outcome windows are complete.

        Within the known days the interval is that of a count; after them, see ``days_to_enrol``.

        Returns:
            None when so many will never have come.
        """
        known = sum(self.daily)
        if units > known:
            later = days_to_enrol(units - known, self.daily[-LATE_DAYS:], window_days)
            return None if later is None else _after(len(self.daily), later)
        reach = _REACH * units**0.5
        early, late = self._day(units - reach), self._day(units + reach)
        return Duration(
            self._day(units) + window_days,
            early + window_days,
            None if late == float("inf") else late + window_days,
        )

    def _day(self, units: float) -> float:
        so_far = list(accumulate(self.daily))
        if units <= so_far[-1]:
            return float(bisect_left(so_far, units) + 1)
        missing = units - so_far[-1]
        return len(self.daily) + missing / self.pace if self.pace else float("inf")


def detectable_by(
    weeks: Sequence[int],
    accrual: Accrual,
    window_days: int,
    unit_variance: float,
    design: PlannedDesign,
) -> dict[int, float | None]:
    """Per number of weeks, the smallest effect that is found by then.

    Only units whose outcome window is complete count; None: there are too few.
    """
    found: dict[int, float | None] = {}
    for number in weeks:
        units = int(accrual.units_by(7 * number - window_days))
        try:
            found[number] = detectable_with(units, unit_variance, design)
        except ValueError:
            found[number] = None
    return found


def _after(days: int, duration: Duration) -> Duration:
    high = None if duration.high is None else duration.high + days
    return replace(duration, days=duration.days + days, low=duration.low + days, high=high)
