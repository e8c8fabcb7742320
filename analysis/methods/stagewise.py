"""Stage-wise ordering: what a group-sequential experiment found, once it has stopped."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from scipy.optimize import brentq

from .group_sequential import Walk, chance_above, crossed_at, increasing, walks


@dataclass(frozen=True)
class StageWise:
    """The effect as it stands after stopping: free of the luck that stopping early selects."""

    estimate: float  # median-unbiased: too high as often as too low
    low: float
    high: float
    p_value: float  # of as many sides as the boundaries have
    look: int  # the look it was made at, from 1


class _Path(NamedTuple):
    """The looks that count, ready for any effect."""

    times: tuple[float, ...]
    walks: tuple[Walk, ...]
    boundaries: tuple[float, ...]
    z: float  # at the last look
    sides: int


def adjusted(
    z_path: Sequence[float],
    information: Sequence[float],
    boundaries: Sequence[float],
    alpha: float = 0.05,
    sides: int = 2,
) -> StageWise:
    """Estimate, interval and p value that know when, and why, the experiment stopped.

    Stopping earlier counts as stronger evidence, and at one look a larger z does (Tsiatis, Rosner,
    Mehta 1984). The naive estimate at an early stop is too large on average; this one is not.

    Over-run: when data came in after a boundary was passed, the last look counts and the one that
    stopped it is left out, as if it had not been made (Sooriyarachchi and others 2003).

    Args:
        z_path: the z of each look made, the last one included.
        information: per look, 1/se^2, so that the answer is in the effect's unit.
        boundaries: per look, as ``group_sequential.boundaries`` gives them.
        alpha: of all sides together, of the interval.
        sides: 1 when only passing +z stops.
    """
    path = _path(z_path, information, boundaries, sides)
    upward = _chance_of_more(path, 0.0)
    tail = alpha / sides
    p_value = upward if sides == 1 else min(1.0, 2 * min(upward, 1 - upward))
    return StageWise(
        estimate=_effect_at(path, 0.5),
        low=_effect_at(path, tail),
        high=_effect_at(path, 1 - tail),
        p_value=p_value,
        look=len(z_path),
    )


def _path(
    z_path: Sequence[float], information: Sequence[float], boundaries: Sequence[float], sides: int
) -> _Path:
    last = len(z_path) - 1
    stopped = crossed_at(z_path[:last], boundaries[:last], sides)
    kept = [*range(last if stopped is None else stopped), last]
    times = tuple(increasing([information[k] for k in kept]))
    bounds = tuple(boundaries[k] for k in kept)
    return _Path(times, walks(times, bounds, sides), bounds, z_path[last], sides)


def _chance_of_more(path: _Path, effect: float) -> float:
    """The chance of evidence at least as strong, upwards, if ``effect`` were the truth."""
    if path.sides == 2 and path.z < -path.boundaries[-1]:
        return 1 - _chance_beyond(path, effect, -path.z, mirrored=True)
    return _chance_beyond(path, effect, path.z, mirrored=False)


def _chance_beyond(path: _Path, effect: float, z: float, mirrored: bool) -> float:
    """The chance to stop on one side before the last look, or to be beyond z there."""
    bounds = (*path.boundaries[:-1], z)
    return sum(
        chance_above(walk, now, bound, effect, mirrored)
        for walk, now, bound in zip(path.walks, path.times, bounds, strict=True)
    )


def _effect_at(path: _Path, chance: float) -> float:
    """The effect under which evidence at least as strong has this chance; it rises with it."""
    unit = path.times[-1] ** -0.5
    naive, reach = path.z * unit, 4 * unit

    def surplus(effect: float) -> float:
        return _chance_of_more(path, effect) - chance

    low, high = naive - reach, naive + reach
    while surplus(low) > 0:
        low -= reach
    while surplus(high) < 0:
        high += reach
    return float(brentq(surplus, low, high, xtol=1e-12 * unit, rtol=1e-13))
