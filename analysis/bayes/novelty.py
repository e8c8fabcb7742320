"""Novelty: does an effect fade with the days since exposure, and what is left in the long run.

    estimate_d = level + extra exp(-d / pace) + daily_d + error_d

Given the pace and the spread of days everything is normal; the two live on a grid.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from .belief import Belief

Floats = npt.NDArray[np.float64]

FEWEST_DAYS: Final = 4
_PACES = 40
_SPREADS = 24
_FARTHEST_SPREAD = 3.0
_UNLIKELY = 1e-10


@dataclass(frozen=True, eq=False)
class Daily:
    """The effect estimated on each day since exposure."""

    days: Floats  # 0 is the day of exposure
    effects: Floats
    covariance: Floats  # (D, D): learners return, so days' errors go together

    @classmethod
    def independent(cls, days: Floats, effects: Floats, ses: Floats) -> "Daily":
        """Days whose errors have nothing in common, such as those of different learners."""
        return cls(
            np.asarray(days, dtype=np.float64),
            np.asarray(effects, dtype=np.float64),
            np.diag(np.asarray(ses, dtype=np.float64) ** 2),
        )

    def __post_init__(self) -> None:
        """Refuse what has no trend."""
        n = len(self.days)
        if n < FEWEST_DAYS or len(self.effects) != n or self.covariance.shape != (n, n):
            raise ValueError(
                f"days: found {n} days, {len(self.effects)} effects and a covariance of shape"
                f" {self.covariance.shape}; give at least {FEWEST_DAYS} days, one effect for each"
            )
        if not (np.diag(self.covariance) > 0).all() or not np.isfinite(self.effects).all():
            raise ValueError("days: every effect must be finite and have a variance above 0")


@dataclass(frozen=True, eq=False)
class Trend:
    """How an effect goes on."""

    long_run: Belief  # the level that is left when novelty has gone
    first_day: Belief
    extra: Belief  # first day minus long run
    slope: Belief  # average change a day over the days observed
    p_fades: float  # chance that the first day's effect is the better one
    half_life: float  # days until half of the extra is gone; posterior median


def trend(daily: Daily, effect_sd: float, sign: int = 1) -> Trend:
    """The long-run level and the way there.

    Args:
        daily: estimates by day since exposure.
        effect_sd: prior sd of the level and of the extra, in the metric's unit.
        sign: 1 when more is better, -1 when less is better.

    Raises:
        ValueError: effect_sd is not positive.
    """
    if not effect_sd > 0:
        raise ValueError(f"effect_sd: found {effect_sd!r}, expected a number above 0")
    span = float(np.ptp(daily.days))
    # From "gone by tomorrow" to "half of it still there at the end": a slower one is a straight
    # line, whose end nobody has seen.
    paces = np.geomspace(0.7, 1.5 * span, _PACES)
    weights, means, covariances = _posterior(daily, effect_sd, paces)
    last = np.repeat(paces, _SPREADS)
    likely = weights > _UNLIKELY * weights.max()
    weights, means, covariances, last = (
        each[likely] for each in (weights, means, covariances, last)
    )
    weights = weights / weights.sum()

    def of(level: Floats, extra: Floats) -> Belief:
        combination = np.column_stack([level, extra])
        variance = np.einsum("gi,gij,gj->g", combination, covariances, combination)
        return Belief(weights, (combination * means).sum(axis=1), np.sqrt(variance))

    one, none = np.ones(len(weights)), np.zeros(len(weights))
    began, ended = daily.days.min(), daily.days.max()
    change = (np.exp(-ended / last) - np.exp(-began / last)) / (ended - began)
    extra = of(none, one)
    order = np.argsort(last)
    return Trend(
        long_run=of(one, none),
        first_day=of(one, one),
        extra=extra,
        slope=of(none, change),
        p_fades=extra.above(0) if sign > 0 else 1 - extra.above(0),
        half_life=float(np.log(2) * np.interp(0.5, np.cumsum(weights[order]), last[order])),
    )


def _posterior(daily: Daily, effect_sd: float, paces: Floats) -> tuple[Floats, Floats, Floats]:
    """Weight, mean and covariance of (level, extra) at each pace and spread of days."""
    scale = 0.25 * effect_sd
    spreads = scale * _FARTHEST_SPREAD * ((np.arange(_SPREADS) + 0.5) / _SPREADS) ** 2
    log_spread = np.log(np.arange(_SPREADS) + 0.5) - 0.5 * (spreads / scale) ** 2
    prior = np.eye(2) * effect_sd**-2
    identity = np.eye(len(daily.days))
    totals = daily.covariance + spreads[:, None, None] ** 2 * identity
    inverses, log_dets = np.linalg.inv(totals), np.linalg.slogdet(totals)[1]
    logs, means, covariances = [], [], []
    for pace in paces:
        x = np.column_stack([np.ones(len(daily.days)), np.exp(-daily.days / pace)])
        precision = x.T @ inverses @ x + prior  # (S, 2, 2)
        covariance = np.linalg.inv(precision)
        pull = x.T @ inverses @ daily.effects  # (S, 2)
        mean = np.einsum("sij,sj->si", covariance, pull)
        fit = np.einsum("i,sij,j->s", daily.effects, inverses, daily.effects)
        fit = fit - np.einsum("si,si->s", pull, mean)
        logs.append(log_spread - 0.5 * (log_dets + np.linalg.slogdet(precision)[1] + fit))
        means.append(mean)
        covariances.append(covariance)
    log = np.concatenate(logs)
    weights = np.exp(log - log.max())
    return weights / weights.sum(), np.concatenate(means), np.concatenate(covariances)
