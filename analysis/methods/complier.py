"""Complier effect: what a variant did for those who took it up because it was offered."""

from dataclasses import dataclass

import numpy as np

from analysis.contrast import TOO_FEW_UNITS, critical_t
from analysis.quotient import quotient_interval
from analysis.results import NotEstimable
from analysis.statistics.moments import Moments

from .welch import satterthwaite

NOBODY_MOVED = NotEstimable(
    "being offered the variant did not change how many took it up",
    "read the effect of the offer itself: without a difference in take-up there are no compliers",
)


@dataclass(frozen=True)
class ComplierEffect:
    """The effect on compliers, beside the effect of the offer that it is made from."""

    effect: float  # in the outcome's unit, per unit that took it up because of the offer
    se: float  # by the delta method; the interval does not use it
    low: float | None  # None: unbounded on this side
    high: float | None
    offered: float  # intention to treat: the effect of the offer on the outcome
    take_up: float  # the effect of the offer on take-up, a share
    take_up_control: float
    take_up_treatment: float
    df: float


def estimate(
    control: Moments,
    treatment: Moments,
    boundary_z: float,
    outcome: str = "outcome",
    taken: str = "taken",
) -> ComplierEffect | NotEstimable:
    """The effect on compliers, by the random offer as instrument (Imbens, Angrist 1994).

    It is the effect of the offer over its effect on take-up (Wald). The interval is Anderson and
    Rubin's (1949), Fieller's for a ratio: it excludes 0 exactly when the effect of the offer does,
    stays honest when few took it up, and may then be unbounded. Assumed: the offer works through
    take-up alone, and puts nobody off who would have taken it up without.

    Args:
        control: moments with both columns.
        treatment: likewise.
        boundary_z: how many standard errors the interval is wide, as a normal score.
        outcome: the column of the outcome.
        taken: the column that says, 0 to 1, how much of the variant the unit took up.
    """
    if min(control.n, treatment.n) < 2:
        return TOO_FEW_UNITS
    columns = (outcome, taken)
    gap = np.array([treatment.mean_of(c) - control.mean_of(c) for c in columns])
    errors, parts = np.zeros((2, 2)), []
    for arm in (treatment, control):
        own = np.array([[arm.covariance(a, b) for b in columns] for a in columns]) / arm.n
        errors += own
        parts.append(float(own[0, 0]))
    offered, take_up = float(gap[0]), float(gap[1])
    if abs(take_up) <= 1e-9 * max(abs(treatment.mean_of(taken)), abs(control.mean_of(taken)), 1e-9):
        return NOBODY_MOVED
    if sum(parts) == 0.0:
        return NotEstimable(
            "every unit of a variant has the same outcome, so chance cannot be judged",
            "check that the metric's events arrive and that the outcome varies",
        )
    df = satterthwaite(parts[0], treatment.n - 1, parts[1], control.n - 1)
    effect = offered / take_up
    spread = errors[0, 0] - 2 * effect * errors[0, 1] + effect**2 * errors[1, 1]
    bounds = quotient_interval(offered, take_up, errors, critical_t(boundary_z, df))
    low, high = bounds if bounds is not None else (None, None)
    return ComplierEffect(
        effect=effect,
        se=float(max(spread, 0.0) ** 0.5) / abs(take_up),
        low=low,
        high=high,
        offered=offered,
        take_up=take_up,
        take_up_control=control.mean_of(taken),
        take_up_treatment=treatment.mean_of(taken),
        df=df,
    )
