"""A primary and a co-primary, two treatments: what Holm over the four tests does, look by look.

Written anew from the rule, not from the product's code; tests/calibration holds the two together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from analysis.methods.always_valid import one_sided_z
from analysis.methods.group_sequential import boundaries
from analysis.spending import spent_by
from benchmarks._rules import ALPHA, EFFECT_OF_80, NEVER, Calls, Floats

Marks = npt.NDArray[np.bool_]

N_METRICS: Final = 2
N_TREATMENTS: Final = 2
N_TESTS: Final = N_METRICS * N_TREATMENTS
CHUNK: Final = 20_000
LATE: Final = 2.0
"""A late co-primary has the share t^2 of its information when the primary has t."""


@dataclass(frozen=True)
class World:
    """Many experiments whose learners' two outcomes go together."""

    rho: float  # correlation of the two outcomes of one learner
    looks: int
    late: bool = False  # whether the co-primary's information comes late
    effects: tuple[tuple[float, ...], ...] = ((0.0, 0.0), (0.0, 0.0))
    """Treatment -> metric -> the effect in standard errors at the last look."""

    @property
    def times(self) -> Floats:
        """(metric, look): the share of each metric's information."""
        primary = np.arange(1, self.looks + 1) / self.looks
        return np.stack([primary, primary ** (LATE if self.late else 1.0)])

    def z(self, rng: np.random.Generator, n: int) -> Floats:
        """(n, look, treatment, metric): how far from 0, good direction positive."""
        shape = (n, self.looks, 1 + N_TREATMENTS)
        first, other = rng.normal(size=shape), rng.normal(size=shape)
        noise = np.stack([first, self.rho * first + (1 - self.rho**2) ** 0.5 * other], axis=-1)
        steps = np.diff(self.times, prepend=0.0).T
        walk = (noise * steps[:, None, :] ** 0.5).cumsum(axis=1)
        against_control = (walk[:, :, 1:] - walk[:, :, :1]) / 2**0.5
        times = self.times.T[:, None, :]
        return np.asarray((against_control + np.array(self.effects) * times) / times**0.5)


def bars(times: Floats, clock: Floats, spending: str = "obrien_fleming") -> Floats:
    """(share - 1, look): the boundary with alpha divided by 1, 2, up to all tests.

    Args:
        times: share of the metric's own information at each look.
        clock: share of the primary's, by which alpha is spent.
        spending: how.
    """
    found = []
    for share in range(1, N_TESTS + 1):
        spent = [spent_by(spending, ALPHA / share, float(at)) for at in clock]
        found.append(boundaries(list(times), spent))
    return np.array(found)


def holm(z: Floats, at: Floats) -> Marks:
    """Which tests pass, by steps down from all of them at once.

    Args:
        z: (n, look, treatment, metric)
        at: (metric, share - 1, look), see ``bars``.
    """
    passed = np.zeros(z.shape, dtype=bool)
    for _ in range(N_TESTS):
        left = np.maximum(N_TESTS - passed.sum(axis=(2, 3)), 1)  # (n, look)
        look = np.arange(z.shape[1])
        bar = at[:, left - 1, look]  # (metric, n, look)
        passed |= np.abs(z) > np.moveaxis(bar, 0, -1)[:, :, None, :]
    return passed


def bonferroni(z: Floats, at: Floats) -> Marks:
    """Which tests pass when each has its fixed part of alpha."""
    return np.asarray(np.abs(z) > at[:, -1].T[:, None, :])


def world_bars(world: World) -> Floats:
    """(metric, share - 1, look): each metric's boundaries, by its own information."""
    return np.stack([bars(times, world.times[0]) for times in world.times])


def decide(z: Floats, world: World, at: Floats) -> tuple[Calls, Marks]:
    """The look of the first SHIP or ROLL BACK, and whether it was a SHIP.

    A treatment ships that wins on one metric and harms none; all are rolled back that do harm.
    """
    passed = holm(z, at)
    harm = np.array(
        [[one_sided_z(float(t), ALPHA / 2 / N_TESTS) for t in times] for times in world.times]
    )
    is_out = ((passed & (z < 0)) | (z < -harm.T[:, None, :])).any(axis=3)
    ships = ((passed & (z > 0)).any(axis=3) & ~is_out).any(axis=2)
    calls = ships | is_out.all(axis=2)
    first = np.where(calls.any(axis=1), calls.argmax(axis=1), NEVER)
    shipped = np.take_along_axis(ships, np.maximum(first, 0)[:, None], axis=1)[:, 0]
    return first, shipped & (first != NEVER)


@dataclass(frozen=True)
class Found:
    """One row of the page's table."""

    world: World
    n: int
    ship: float  # without any effect
    call: float  # SHIP or ROLL BACK, without any effect
    family: float  # one test has an effect: the share with a false finding among the others
    by_holm: float  # all four have one: the share of them that is found, on average
    by_bonferroni: float


def measure(world: World, rng: np.random.Generator, n: int) -> Found:
    """What the rule does in ``n`` experiments of a kind, three times over."""
    at = world_bars(world)
    sizes = [min(CHUNK, n - begin) for begin in range(0, n, CHUNK)]
    shares = [_shares(world, rng, size, at) for size in sizes]
    return Found(world, n, *(float(each) for each in np.average(shares, axis=0, weights=sizes)))


def _shares(world: World, rng: np.random.Generator, n: int, at: Floats) -> tuple[float, ...]:
    """The figures of ``Found``, in its order, from experiments that are in memory together."""
    first, ship = decide(world.z(rng, n), world, at)
    one = World(world.rho, world.looks, world.late, ((2 * EFFECT_OF_80, 0.0), (0.0, 0.0)))
    wrong = holm(one.z(rng, n), at).any(axis=1).reshape(n, N_TESTS)[:, 1:]
    everywhere = ((EFFECT_OF_80,) * N_METRICS,) * N_TREATMENTS
    moved = World(world.rho, world.looks, world.late, everywhere).z(rng, n)
    return (
        float(ship.mean()),
        float((first != NEVER).mean()),
        float(wrong.any(axis=1).mean()),
        float(holm(moved, at).any(axis=1).mean()),
        float(bonferroni(moved, at).any(axis=1).mean()),
    )


WORLDS: Final = tuple(
    World(rho, looks, late)
    for late in (False, True)
    for looks in (1, 5, 14, 28)
    for rho in (0.0, 0.5, 0.9)
    if not (late and looks == 1)
)


def measure_all(seed: int, n: int, worlds: Sequence[World] = WORLDS) -> list[Found]:
    """Every world, each with numbers of its own."""
    return [
        measure(world, np.random.default_rng([seed, number]), n)
        for number, world in enumerate(worlds)
    ]
