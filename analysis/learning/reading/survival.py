"""Kaplan-Meier: the share still there after each week, when some can be watched only so long."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, log, sqrt

from analysis.normal import Z95


@dataclass(frozen=True)
class Ended:
    """What ended at one time: who dropped off after it, and whose observation stopped there."""

    dropped: int
    censored: int


@dataclass(frozen=True)
class SurvivalPoint:
    """The share still there after a week."""

    week: int
    survival: float
    se: float  # Greenwood
    low: float  # 95 %, on the scale of log(-log), which stays inside 0..1
    high: float
    at_risk: int  # learners observed through this week
    dropped: int  # of them, not seen again

    @property
    def hazard(self) -> float:
        """Share of those at risk who dropped off."""
        return self.dropped / self.at_risk


def kaplan_meier(ends: Mapping[int, Ended]) -> tuple[SurvivalPoint, ...]:
    """Survival after each week from 1 on (Kaplan, Meier 1958; variance by Greenwood 1926).

    Args:
        ends: week -> what ended there; who is censored in a week was still watched through it.
    """
    at_risk = sum(end.dropped + end.censored for end in ends.values())
    survival, greenwood = 1.0, 0.0
    points = []
    for week in range(1, max(ends, default=0) + 1):
        end = ends.get(week, Ended(0, 0))
        if end.dropped:
            survival *= 1 - end.dropped / at_risk
            if end.dropped < at_risk:
                greenwood += end.dropped / (at_risk * (at_risk - end.dropped))
        low, high = _interval(survival, greenwood)
        se = survival * sqrt(greenwood)
        points.append(SurvivalPoint(week, survival, se, low, high, at_risk, end.dropped))
        at_risk -= end.dropped + end.censored
        if not at_risk:
            break
    return tuple(points)


def median_week(points: tuple[SurvivalPoint, ...]) -> int | None:
    """The first week after which half or fewer are still there; None: not within the history."""
    return next((point.week for point in points if point.survival <= 0.5), None)


def _interval(survival: float, greenwood: float) -> tuple[float, float]:
    if not 0 < survival < 1:
        return survival, survival
    half = Z95 * sqrt(greenwood) / abs(log(survival))
    centre = log(-log(survival))
    return exp(-exp(centre + half)), exp(-exp(centre - half))
