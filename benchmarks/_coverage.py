"""How often a 95 % interval holds the truth, by method, on data of many shapes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from analysis.contrast import Contrast, critical_t
from analysis.methods import compare
from analysis.results import NotEstimable
from analysis.statistics.clusters import ClusterSums
from analysis.statistics.collected import Statistic
from analysis.statistics.moments import Moments

Floats = npt.NDArray[np.float64]
World = Callable[[np.random.Generator, int], Iterator[tuple[Statistic, Statistic]]]
Z95 = -float(ndtri(0.025))
_CHUNK = 200
_COLUMNS = ("outcome", "covariate")


@dataclass(frozen=True)
class Setting:
    """One row of the table: arms whose difference is 0."""

    method: str
    title: str
    world: World
    least: float = 0.94  # what is promised; skew at small n is known to cost more


def _normal(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    return rng.normal(size=shape)


def _exponential(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    return rng.exponential(size=shape)


def _lognormal(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    return rng.lognormal(size=shape)


def _mostly_zero(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    return (rng.random(shape) < 0.2) * rng.exponential(size=shape)


Draw = Callable[[np.random.Generator, tuple[int, ...]], Floats]


def _means(draw: Draw, a_control: int, a_treatment: int) -> World:
    """Two arms of independent units of one shape."""

    def world(rng: np.random.Generator, n: int) -> Iterator[tuple[Statistic, Statistic]]:
        for begin in range(0, n, _CHUNK):
            count = min(_CHUNK, n - begin)
            arms = [draw(rng, (count, a)) for a in (a_control, a_treatment)]
            yield from zip(*([_moments(row) for row in arm] for arm in arms), strict=True)

    return world


def _moments(values: Floats) -> Moments:
    gap = values - values.mean()
    return Moments(("outcome",), len(values), values.mean()[None], (gap @ gap)[None, None])


def _adjusted(a_arm: int, rho: float, draw: Draw = _normal) -> World:
    """A covariate from before exposure, correlated with the outcome."""

    def world(rng: np.random.Generator, n: int) -> Iterator[tuple[Statistic, Statistic]]:
        for _ in range(n):
            before = draw(rng, (2, a_arm))
            after = rho * before + (1 - rho**2) ** 0.5 * draw(rng, (2, a_arm))
            yield tuple(  # type: ignore[misc]
                Moments.of(_COLUMNS, np.column_stack(arm))
                for arm in zip(after, before, strict=True)
            )

    return world


def _teams(n_teams: int, icc: float, largest: int = 30) -> World:
    """Whole teams randomised, of 2 to ``largest`` learners each."""

    def world(rng: np.random.Generator, n: int) -> Iterator[tuple[Statistic, Statistic]]:
        for _ in range(n):
            sizes = rng.integers(2, largest + 1, (2, n_teams))
            level = rng.normal(0, icc**0.5, sizes.shape)
            noise = rng.normal(0, (1 - icc) ** 0.5, sizes.shape) * sizes**0.5
            sums = (sizes * level + noise)[..., None]
            yield tuple(  # type: ignore[misc]
                ClusterSums(("outcome",), sizes[arm], sums[arm]) for arm in (0, 1)
            )

    return world


SETTINGS: Final = (
    *(
        Setting("welch", f"normal, {n} an arm", _means(_normal, n, n), 0.945)
        for n in (10, 100, 1000)
    ),
    Setting("welch", "exponential, 20 an arm", _means(_exponential, 20, 20)),
    Setting("welch", "exponential, 100 and 300", _means(_exponential, 100, 300)),
    Setting("welch", "exponential, 1000 an arm", _means(_exponential, 1000, 1000), 0.945),
    Setting("welch", "80 % zeros, 100 an arm", _means(_mostly_zero, 100, 100), 0.935),
    Setting("welch", "80 % zeros, 1000 and 3000", _means(_mostly_zero, 1000, 3000), 0.94),
    Setting("welch", "log-normal (skew 6), 100 an arm", _means(_lognormal, 100, 100)),
    Setting("welch", "log-normal (skew 6), 200 and 2000", _means(_lognormal, 200, 2000), 0.9),
    *(
        Setting("cuped", f"correlation {rho}, {n} an arm", _adjusted(n, rho))
        for n, rho in ((10, 0.5), (10, 0.9), (100, 0.5), (1000, 0.9))
    ),
    Setting("cuped", "exponential, correlation 0.7, 50 an arm", _adjusted(50, 0.7, _exponential)),
    *(
        Setting("cluster_robust", f"{k} teams an arm, ICC {icc}", _teams(k, icc))
        for k in (3, 6, 12, 30)
        for icc in (0.02, 0.2)
    ),
)


def coverage(setting: Setting, rng: np.random.Generator, n: int) -> tuple[float, float]:
    """The share of intervals that hold 0, and the share that ``compare`` refused to make."""
    held = refused = 0
    for control, treatment in setting.world(rng, n):
        contrast = compare(control, treatment)
        if isinstance(contrast, NotEstimable):
            refused += 1
        else:
            held += holds(contrast)
    return held / max(1, n - refused), refused / n


def holds(contrast: Contrast, truth: float = 0.0) -> bool:
    """Whether the 95 % interval holds the truth."""
    reach = critical_t(Z95, contrast.df) * contrast.se
    return abs(contrast.effect - truth) <= reach
