"""Randomisation inference: few teams, no distribution assumed, only the draw that was made."""

from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
import numpy.typing as npt

from analysis.contrast import no_variance
from analysis.results import NotEstimable
from analysis.statistics.clusters import ClusterSums

from .cluster_robust import TOO_FEW_TEAMS

Floats = npt.NDArray[np.float64]

MOST_DRAWS = 20_000
"""Up to so many ways to draw the teams all are tried; beyond, so many are drawn at random."""


@dataclass(frozen=True)
class Randomisation:
    """What the possible draws say of the one that was made."""

    effect: float
    p_value: float  # two-sided; never below 1 / n_draws
    low: float | None  # of the interval that inverts the test; None: the draws cannot exclude it
    high: float | None
    n_draws: int
    exact: bool  # every possible draw was tried


def estimate(
    control: ClusterSums,
    treatment: ClusterSums,
    outcome: str = "outcome",
    alpha: float = 0.05,
    seed: int = 0,
) -> Randomisation | NotEstimable:
    """How rare the difference is among all draws of so many teams (Fisher 1935; Small et al 2008).

    The statistic is the difference of the learners' means. The interval holds every constant
    effect that the same test does not reject at ``alpha``: the p value is exact for any
    distribution of outcomes, as long as every draw of so many teams was as likely as any other.
    With t of J teams there are J choose t draws, so 3 against 3 can never fall below p = .1.

    Args:
        control: team sums of the control.
        treatment: team sums of the treatment.
        outcome: the column.
        alpha: of the interval, two-sided; 0 to 1.
        seed: of the random draws, where there are too many to try all.
    """
    n_treated, n_all = treatment.n_clusters, treatment.n_clusters + control.n_clusters
    if min(control.n_clusters, treatment.n_clusters) < 2:
        return TOO_FEW_TEAMS
    sizes = np.concatenate([treatment.n, control.n]).astype(np.float64)
    sums = np.concatenate([treatment.sum_of(outcome), control.sum_of(outcome)])
    means = sums / sizes
    if np.ptp(means) <= 1e-12 * float(np.abs(means).max()):
        return no_variance(treatment.mean_of(outcome), control.mean_of(outcome))
    exact = comb(n_all, n_treated) <= MOST_DRAWS
    draws = _all_draws(n_all, n_treated) if exact else _random_draws(n_all, n_treated, seed)
    # Under a constant effect d each draw's statistic is a line in d: level - d * slope.
    own_size = np.zeros(n_all)
    own_size[:n_treated] = sizes[:n_treated]
    level = _difference(draws, sums, sizes)
    slope = _difference(draws, own_size, sizes)
    effect = treatment.mean_of(outcome) - control.mean_of(outcome)
    low, high = _interval(effect, level, slope, alpha)
    return Randomisation(effect, _p_value(0.0, effect, level, slope), low, high, len(draws), exact)


def _difference(draws: npt.NDArray[np.bool_], sums: Floats, sizes: Floats) -> Floats:
    """The difference of learners' means under each draw, (D,)."""
    taken = draws.astype(np.float64)
    return (taken @ sums) / (taken @ sizes) - ((1 - taken) @ sums) / ((1 - taken) @ sizes)


def _p_value(shift: float, effect: float, level: Floats, slope: Floats) -> float:
    """The share of draws at least as far out as the real one, if the effect were ``shift``."""
    statistic = np.abs(level - shift * slope)
    observed = abs(effect - shift)
    return float(np.mean(statistic >= observed - 1e-9 * (1 + np.abs(level).max())))


def _interval(
    effect: float, level: Floats, slope: Floats, alpha: float
) -> tuple[float | None, float | None]:
    """The constant effects that the draws do not reject, nearest edge on each side."""
    spread = float(np.std(level - effect * slope)) or 1.0
    return (
        _edge(effect, -spread, level, slope, alpha),
        _edge(effect, spread, level, slope, alpha),
    )


def _edge(effect: float, step: float, level: Floats, slope: Floats, alpha: float) -> float | None:
    inside, outside = effect, effect + step
    for _ in range(40):
        if _p_value(outside, effect, level, slope) <= alpha:
            break
        inside, outside = outside, effect + 2 * (outside - effect)
    else:
        return None
    for _ in range(60):
        middle = (inside + outside) / 2
        if _p_value(middle, effect, level, slope) <= alpha:
            outside = middle
        else:
            inside = middle
    return outside


def _all_draws(n_all: int, n_treated: int) -> npt.NDArray[np.bool_]:
    draws = np.zeros((comb(n_all, n_treated), n_all), dtype=bool)
    for row, chosen in enumerate(combinations(range(n_all), n_treated)):
        draws[row, chosen] = True
    return draws


def _random_draws(n_all: int, n_treated: int, seed: int) -> npt.NDArray[np.bool_]:
    """Random draws; the first is the real one, so that the p value is never 0 (Phipson, Smyth)."""
    order = np.random.default_rng(seed).random((MOST_DRAWS, n_all)).argsort(axis=1)
    draws = order < n_treated
    draws[0] = np.arange(n_all) < n_treated
    return np.asarray(draws)
