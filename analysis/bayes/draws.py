"""What draws of a posterior say: intervals, chances to be best, and what a wrong choice costs."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_FEWEST_DRAWS = 100


def eti(draws: Floats, chance: float = 0.95) -> tuple[float, float]:
    """The equal-tailed interval: as much probability below as above.

    Raises:
        ValueError: fewer than 100 draws, or a chance that is not between 0 and 1.
    """
    found = _checked(draws, chance)
    low, high = np.quantile(found, [(1 - chance) / 2, (1 + chance) / 2])
    return float(low), float(high)


def hdi(draws: Floats, chance: float = 0.95) -> tuple[float, float]:
    """The highest density interval: the shortest that holds this chance.

    Of a skewed posterior it leaves out the long tail's end; of a symmetric one it is the equal-
    tailed interval. It is not carried along by a change of scale: a relative effect has its own.

    Raises:
        ValueError: fewer than 100 draws, or a chance that is not between 0 and 1.
    """
    found = np.sort(_checked(draws, chance))
    inside = int(np.ceil(chance * len(found)))
    widths = found[inside - 1 :] - found[: len(found) - inside + 1]
    first = int(widths.argmin())
    return float(found[first]), float(found[first + inside - 1])


def _checked(draws: Floats, chance: float) -> Floats:
    if not 0 < chance < 1:
        raise ValueError(f"chance: found {chance!r}, expected a share such as 0.95")
    found = np.asarray(draws, dtype=np.float64).ravel()
    if len(found) < _FEWEST_DRAWS:
        raise ValueError(f"draws: found {len(found)}, at least {_FEWEST_DRAWS} make an interval")
    return found


@dataclass(frozen=True)
class Choice:
    """What is known of one variant among all, the control included."""

    p_best: float
    expected_loss: float  # of choosing it where another is better, in the metric's unit, >= 0
    loss_in_money: float | None  # the same, for all learners it would be given to


def choose(
    draws: Mapping[str, Floats], sign: int = 1, worth: float | None = None
) -> dict[str, Choice]:
    """Chance to be best and expected loss of each variant, from joint draws of their means.

    Args:
        draws: variant to draws; the i-th draws of all variants belong together.
        sign: 1 when more is better, -1 when less is better.
        worth: what one unit of the metric is worth over all learners concerned, in money.

    Raises:
        ValueError: fewer than two variants, or different numbers of draws.
    """
    lengths = {len(each) for each in draws.values()}
    if len(draws) < 2 or len(lengths) != 1:
        raise ValueError(
            f"draws: found {len(draws)} variants with {sorted(lengths)} draws; give at least two"
            " variants with as many draws each"
        )
    values = sign * np.column_stack([np.asarray(each, dtype=np.float64) for each in draws.values()])
    best = values.max(axis=1)
    # Equal draws share the win, so that the chances sum to 1.
    wins = values == best[:, None]
    shares = (wins / wins.sum(axis=1, keepdims=True)).mean(axis=0)
    losses = (best[:, None] - values).mean(axis=0)
    return {
        name: Choice(float(share), float(loss), None if worth is None else float(loss * abs(worth)))
        for name, share, loss in zip(draws, shares, losses, strict=True)
    }


def normal_draws(means: Floats, covariance: Floats, n: int, rng: np.random.Generator) -> Floats:
    """Joint draws of a normal posterior, one column a mean, (n, k).

    Antithetic pairs: their average is the posterior's mean exactly.
    """
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.clip(values, 0, None))
    half = rng.standard_normal(((n + 1) // 2, len(means))) @ root.T
    return np.asarray(np.concatenate([means + half, means - half])[:n])
