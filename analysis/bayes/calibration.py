"""Simulation-based calibration: is the truth as likely at one rank among the draws as at another.

A world is drawn from the model's own prior, data from the world, and the posterior from the data.
When all is right the truth's rank among the posterior's draws is uniform (Talts et al. 2018).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from .pooling import pool, pool_by_sampling
from .sampler import Effort
from .scores import CONCENTRATION, ScoreSums, compare_scores, compare_scores_by_sampling
from .segments import Scales, Segments

Floats = npt.NDArray[np.float64]

BINS: Final = 10
ONCE: Final = Effort()
"""Without a second attempt, so that a round's cost is known."""

_EDGE: Final = 1e-9
_FEWEST_BETWEEN: Final = 2
_RANKED: Final = 99  # draws that a truth is ranked among: ten bins of ten ranks


@dataclass(frozen=True)
class Calibration:
    """How the truth ranked."""

    model: str
    quantity: str
    rounds: int
    bins: tuple[int, ...]  # how often the truth was in each tenth of the draws
    p_value: float  # of uniformity, by chi-square
    coverage: float  # of the equal-tailed 90 % interval


World = Callable[[np.random.Generator, bool], tuple[dict[str, tuple[float, Floats]], bool]]


def segments_world(
    rng: np.random.Generator, sampling: bool
) -> tuple[dict[str, tuple[float, Floats]], bool]:
    """Three roles by four regions: truth and draws of the common effect and of one segment."""
    scales = Scales(mean_sd=2.0, tau=1.0)
    role, region = np.repeat(np.arange(3), 4), np.tile(np.arange(4), 3)
    taus = np.abs(rng.normal(0, scales.tau, 3))
    mu = rng.normal(0, scales.mean_sd)
    effects = mu + taus[0] * rng.standard_normal(12)
    effects += (taus[1] * rng.standard_normal(3))[role] + (taus[2] * rng.standard_normal(4))[region]
    ses = rng.uniform(0.3, 1.5, 12)
    segments = Segments(
        tuple(map(str, range(12))),
        rng.normal(effects, ses),
        ses,
        {"role": tuple(map(str, role)), "region": tuple(map(str, region))},
    )
    seed = int(rng.integers(2**31))
    if sampling:
        found = pool_by_sampling(segments, scales, seed, effort=ONCE)
    else:
        found = pool(segments, scales, seed)
    first = (float(effects[0]), found.draws[:, 0])
    average = (float(effects.mean()), found.draws.mean(axis=1))
    return {"segment": first, "average": average}, found.method == "nuts"


def scores_world(
    rng: np.random.Generator, sampling: bool
) -> tuple[dict[str, tuple[float, Floats]], bool]:
    """Two variants of sixty learners: truth and draws of the difference of mean scores."""
    truths, sums, tellable = [], {}, True
    for name in ("control", "treatment"):
        engaged, full, mean = rng.uniform(), rng.beta(0.5, 0.5), rng.uniform()
        k = float(np.exp(rng.normal(*CONCENTRATION)))
        between = rng.beta(mean * k, (1 - mean) * k, 60)
        # What a double cannot tell from 0 or 1 is left out by looking at data alone, which keeps
        # the ranks uniform.
        tellable &= bool(((between > _EDGE) & (between < 1 - _EDGE)).all())
        y = np.where(rng.random(60) < full, 100.0, 100 * between) * (rng.random(60) < engaged)
        truths.append(100 * engaged * (full + (1 - full) * mean))
        sums[name] = ScoreSums.of(y)
    if min(each.n_between for each in sums.values()) < 2:
        return {}, False
    seed = int(rng.integers(2**31))
    if sampling:
        found = compare_scores_by_sampling(sums, seed, effort=ONCE)
    else:
        found = compare_scores(sums, seed)
    draws = found.means["treatment"] - found.means["control"]
    return {"difference": (truths[1] - truths[0], draws)}, found.method == "nuts"


WORLDS: Final[dict[str, World]] = {"segments": segments_world, "scores": scores_world}


def calibrate(
    model: str, rounds: int, seed: int, sampling: bool = True
) -> tuple[tuple[Calibration, ...], float]:
    """The ranks of every quantity, and the share of rounds that NUTS itself answered.

    Args:
        model: a row of ``WORLDS``.
        rounds: worlds; 200 take some minutes by NUTS.
        seed: the same seed gives the same figures.
        sampling: by NUTS (with its fall-back, as in use), or by the grid alone.
    """
    from scipy.stats import chisquare

    rng = np.random.default_rng(seed)
    ranks: dict[str, list[int]] = {}
    sampled = done = 0
    while done < rounds:
        quantities, by_nuts = WORLDS[model](rng, sampling)
        done += bool(quantities)
        sampled += by_nuts
        for name, (truth, draws) in quantities.items():
            thinned = rng.choice(draws, _RANKED, replace=False)
            ranks.setdefault(name, []).append(int((thinned < truth).sum()))
    found = []
    for name, each in ranks.items():
        bins = np.bincount(np.array(each) * BINS // (_RANKED + 1), minlength=BINS)
        inside = float(((np.array(each) >= 5) & (np.array(each) < 95)).mean())
        found.append(
            Calibration(
                model, name, rounds, tuple(map(int, bins)), float(chisquare(bins).pvalue), inside
            )
        )
    return tuple(found), sampled / rounds
