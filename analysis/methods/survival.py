"""Time to an event: who gets there sooner, with learners who are not there yet."""

from typing import Literal, NamedTuple

import numpy as np
from scipy.special import chdtrc

from analysis.contrast import NO_VARIANCE, TOO_FEW_UNITS, Contrast, no_variance
from analysis.results import NotEstimable
from analysis.statistics.life import LifeTable

from .proportion import NORMAL_DF

Measure = Literal["restricted_mean", "share_with"]

NOT_WATCHED = NotEstimable(
    "nobody of a variant has been watched as long as the horizon",
    "wait until the first learners' windows are complete, or choose a shorter window",
)


class LogRank(NamedTuple):
    """The test that the event is as frequent in both variants at every time."""

    chi_square: float
    p_value: float
    expected: float  # events of the treatment, were there no difference
    observed: int


def estimate(
    control: LifeTable, treatment: LifeTable, measure: Measure = "restricted_mean"
) -> Contrast | NotEstimable:
    """How the time until the event differs, up to the horizon.

    ``restricted_mean``: the mean time without the event, counted up to the horizon (Royston and
    Parmar 2013): fewer days means sooner. ``share_with``: the share that has had the event by the
    horizon (Kaplan and Meier 1958, Greenwood's variance). Both hold whatever the hazards do, and
    use learners whose window is not complete yet.
    """
    if min(control.n, treatment.n) < 2:
        return TOO_FEW_UNITS
    if not (control.is_watched_to_horizon and treatment.is_watched_to_horizon):
        return NOT_WATCHED
    if control.events.sum() + treatment.events.sum() == 0:
        return NO_VARIANCE
    (mean, variance), (mean_control, variance_control) = (
        _measured(table, measure) for table in (treatment, control)
    )
    if variance + variance_control <= (1e-13 * max(abs(mean), abs(mean_control))) ** 2:
        return no_variance(mean, mean_control)
    return Contrast(
        method="survival",
        n=treatment.n,
        n_control=control.n,
        n_learners=treatment.n,
        n_learners_control=control.n,
        mean=mean,
        mean_control=mean_control,
        variance=variance,
        variance_control=variance_control,
        covariance=0.0,
        df=NORMAL_DF,
    )


def _measured(table: LifeTable, measure: Measure) -> tuple[float, float]:
    if measure == "restricted_mean":
        return table.restricted_mean()
    share, variance = table.share_without()
    return 1 - share, variance


def log_rank(control: LifeTable, treatment: LifeTable) -> LogRank | NotEstimable:
    """Mantel's log-rank test (1966): powerful when one variant is sooner all the way."""
    times = np.union1d(control.time, treatment.time)
    events, at_risk = (
        np.array([_at(table, times, what) for table in (control, treatment)])
        for what in ("events", "at_risk")
    )
    d, n = events.sum(axis=0), at_risk.sum(axis=0)
    shared = (d > 0) & (n > 1)
    d, n, mine = d[shared], n[shared], at_risk[1][shared]
    variance = float((d * mine / n * (1 - mine / n) * (n - d) / (n - 1)).sum())
    if variance <= 0:
        return NO_VARIANCE
    expected = float(
        (at_risk[1] * np.divide(events.sum(axis=0), np.maximum(at_risk.sum(axis=0), 1))).sum()
    )
    observed = int(events[1].sum())
    chi_square = (observed - expected) ** 2 / variance
    return LogRank(chi_square, float(chdtrc(1, chi_square)), expected, observed)


def _at(table: LifeTable, times: np.ndarray, what: Literal["events", "at_risk"]) -> np.ndarray:
    """The table's counts at other times."""
    if what == "events":
        return np.array([table.events[table.time == time].sum() for time in times])
    left = table.events + table.censored
    return np.array([left[table.time >= time].sum() for time in times])
