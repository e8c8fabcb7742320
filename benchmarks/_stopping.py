"""What an estimate is worth after an experiment has stopped at a boundary."""

from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np

from analysis.methods.stagewise import adjusted
from benchmarks._rules import NEVER, Experiments, spending_bounds

SPENDINGS: Final = ("obrien_fleming", "pocock")
EFFECTS: Final = (0.0, 1.5, 2.8, 4.0)
LOOKS: Final = 5
_Z95: Final = 1.959963984540054


@dataclass(frozen=True)
class Stopped:
    """One row of the table; effects are in standard errors at the last look."""

    spending: str
    effect: float
    plain_mean: float
    plain_holds: float  # share of plain 95 % intervals with the truth in them
    above: float  # share of stage-wise estimates above the truth
    holds: float  # share of stage-wise intervals with the truth in them


def after_stop(seed: int, n: int) -> list[Stopped]:
    """Plain and stage-wise estimates of experiments that stop where they pass a boundary."""
    return [
        _row(spending, effect, np.random.default_rng([seed, row]), n)
        for row, (spending, effect) in enumerate(product(SPENDINGS, EFFECTS))
    ]


def _row(spending: str, effect: float, rng: np.random.Generator, n: int) -> Stopped:
    experiments = Experiments(rng, LOOKS, n, effect)
    times, paths = experiments.times, experiments.z()[..., 0]
    bars = spending_bounds(times, spending)
    beyond = np.abs(paths) > bars
    first = np.where(beyond.any(axis=1), beyond.argmax(axis=1), NEVER)
    plain, plain_holds, above, holds = [], 0, 0, 0
    for path, look in zip(paths, first, strict=True):
        k = LOOKS if look == NEVER else int(look) + 1
        found = adjusted(list(path[:k]), list(times[:k]), list(bars[:k]))
        se = times[k - 1] ** -0.5
        plain.append(path[k - 1] * se)
        plain_holds += abs(plain[-1] - effect) <= _Z95 * se
        above += found.estimate > effect
        holds += found.low <= effect <= found.high
    return Stopped(spending, effect, float(np.mean(plain)), plain_holds / n, above / n, holds / n)
