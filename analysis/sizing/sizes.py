"""How many units find an effect, which effect so many units find, and how long that takes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
from scipy.optimize import brentq
from scipy.special import stdtrit

from analysis.power import power_of

from .design import PlannedDesign

MOST_UNITS = 10**12


@dataclass(frozen=True)
class Need:
    """What an experiment needs."""

    units: int  # all variants together
    by_variant: tuple[int, ...]  # the control first
    se: float  # of the effect, once all are in
    inflation: float  # by how much the looks have made it larger


def units_needed(effect: float, unit_variance: float, design: PlannedDesign) -> Need:
    """The fewest units that find ``effect`` with the design's power.

    Args:
        effect: the smallest that matters, in the metric's unit; of a one-sided design the distance
            from the expected effect to the margin.
        unit_variance: what one unit adds to the error, by ``analysis.sizing.variance``.
        design: shares, levels and looks.

    Raises:
        ValueError: no number of units would do.
    """
    if not effect > 0 or not np.isfinite(effect):
        raise ValueError(f"effect: found {effect:g}, expected a number above 0")
    if not unit_variance > 0 or not np.isfinite(unit_variance):
        raise ValueError(
            f"unit_variance: found {unit_variance:g}, expected a number above 0: an outcome that is"
            " the same for everybody needs no experiment"
        )
    units = _smallest(lambda n: power_with(n, effect, unit_variance, design) >= design.power)
    return Need(
        units,
        tuple(ceil(units * share) for share in design.shares),
        _se(units, unit_variance, design),
        design.inflation,
    )


def power_with(units: int, effect: float, unit_variance: float, design: PlannedDesign) -> float:
    """The chance that so many units, all variants together, find the effect.

    The t test's power (noncentral t) at the standard error that one look would need: looks cost
    what ``design.inflation`` says.
    """
    df = units * (design.shares[0] + design.smallest_share) - 2
    if df < 1:
        return 0.0
    se = _se(units, unit_variance, design) * design.inflation**0.5
    # A one-sided test at alpha is a two-sided one at twice that, but for the wrong side.
    return power_of(effect, se, df, 2 * design.alpha_each / design.sides)


def detectable_with(units: int, unit_variance: float, design: PlannedDesign) -> float:
    """The smallest effect that so many units find with the design's power."""
    if units * (design.shares[0] + design.smallest_share) - 2 < 1:
        raise ValueError(f"units: found {units}, expected at least enough for two in each variant")

    def surplus(effect: float) -> float:
        return power_with(units, effect, unit_variance, design) - design.power

    low = high = design.drift * _se(units, unit_variance, design) / 2
    while surplus(high) < 0:
        low, high = high, high * 1.5
    return float(brentq(surplus, low, high, xtol=high * 1e-12))


@dataclass(frozen=True)
class Duration:
    """Days, at the pace of the days that were looked at."""

    days: float
    low: float  # 90 %
    high: float | None  # None: the pace may be nothing


def days_to_enrol(units: float, daily: Sequence[float], window_days: int = 0) -> Duration | None:
    """How long until so many more units have come and their outcome windows are complete.

    The pace is the mean of the days given, as uncertain as those days differ (at least as a count
    differs by chance). Give whole weeks, or the pace follows the days of the week.

    Args:
        units: still missing; 0 or less: none is.
        daily: new units of the last days.
        window_days: each unit's outcome window.

    Returns:
        None when nobody came.
    """
    if units <= 0:
        return Duration(0.0, 0.0, 0.0)
    counts = np.asarray(daily, dtype=np.float64)
    pace = float(counts.mean()) if len(counts) else 0.0
    if pace <= 0:
        return None
    spread = max(float(counts.var(ddof=1)) if len(counts) > 1 else 0.0, pace)
    reach = float(stdtrit(max(len(counts) - 1, 1), 0.95)) * (spread / len(counts)) ** 0.5
    slow = pace - reach
    return Duration(
        units / pace + window_days,
        units / (pace + reach) + window_days,
        units / slow + window_days if slow > 0 else None,
    )


def _se(units: float, unit_variance: float, design: PlannedDesign) -> float:
    shares = 1 / design.shares[0] + 1 / design.smallest_share
    return float((unit_variance * shares / units) ** 0.5)


def _smallest(enough: Callable[[int], bool]) -> int:
    """The smallest number that is enough; more is always enough as well."""
    high = 4
    while not enough(high):
        high *= 2
        if high > MOST_UNITS:
            raise ValueError(
                f"effect: found one so small that {MOST_UNITS:,} units would not find it"
            )
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
