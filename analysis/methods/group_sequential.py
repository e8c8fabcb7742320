"""Lan-DeMets: looking several times at one experiment without crying wolf more often."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri, roots_legendre

from analysis.contrast import FARTHEST_Z

Floats = npt.NDArray[np.float64]

# Looks closer than this share of the information are one look as far as new evidence goes.
_SMALLEST_STEP = 0.01


class Walk(NamedTuple):
    """Where the score may stand, without an effect, when no look so far has stopped."""

    now: float  # information
    nodes: Floats
    mass: Floats  # density times quadrature weight


@dataclass(frozen=True)
class Crossing:
    """Per look, the chance to stop there and not before."""

    above: tuple[float, ...]
    below: tuple[float, ...]  # 0 where there is no lower boundary

    @property
    def ever(self) -> float:
        """The chance that any look stops, on either side."""
        return sum(self.above) + sum(self.below)


def boundaries(
    information: Sequence[float], spent: Sequence[float], sides: int = 2
) -> tuple[float, ...]:
    """The z that each look must pass so that ``spent`` is what the looks spend.

    The score process is integrated forward on the region where no boundary was passed
    (Armitage, McPherson, Rowe 1969), with Gauss-Legendre nodes.

    Args:
        information: per look, in any unit, e.g. 1/se^2; a look that brings none is taken to
            bring a little.
        spent: per look, alpha of all sides spent so far, this look included; does not fall.
        sides: 2 for |z|, 1 for z alone.

    Returns:
        Per look; ``FARTHEST_Z`` where there is no alpha to spend.
    """
    return _boundaries(tuple(increasing(information)), tuple(spent), sides)


@lru_cache(maxsize=256)
def _boundaries(
    times: tuple[float, ...], spent: tuple[float, ...], sides: int
) -> tuple[float, ...]:
    found: list[float] = []
    walk, paid = _START, 0.0
    for k, cumulative in enumerate(spent):
        increment = max(0.0, cumulative - paid)
        z = _solve(walk, times[k], increment / sides)
        found.append(z)
        if k + 1 < len(times):
            walk = _advance(walk, times[k], times[k + 1], (_lower(z, sides), z))
        paid = max(paid, cumulative)
    return tuple(found)


def crossing(
    information: Sequence[float], z: Sequence[float], effect: float = 0.0, sides: int = 2
) -> Crossing:
    """The chance to pass each look's boundary, and none before, under a true effect.

    Args:
        information: per look, 1/se^2 with the effect in the same unit.
        z: per look, the boundary.
        effect: the truth; its sum over all looks is the power.
        sides: 2 when passing -z stops as well.
    """
    times = increasing(information)
    above, below = [], []
    for k, (walk, now) in enumerate(zip(walks(tuple(times), tuple(z), sides), times, strict=True)):
        above.append(chance_above(walk, now, z[k], effect))
        below.append(chance_above(walk, now, z[k], effect, mirrored=True) if sides == 2 else 0.0)
    return Crossing(tuple(above), tuple(below))


def repeated_interval(effect: float, se: float, z: float) -> tuple[float, float]:
    """The interval that may be read at every planned look (Jennison and Turnbull 1989).

    All looks' intervals together hold the truth as often as the looks' level says, whether or
    not the experiment stops.
    """
    return effect - z * se, effect + z * se


def crossed_at(z_path: Sequence[float], z: Sequence[float], sides: int = 2) -> int | None:
    """The position of the first look that passed its boundary; None: no look did."""
    for k, (found, bound) in enumerate(zip(z_path, z, strict=True)):
        if (abs(found) if sides == 2 else found) > bound:
            return k
    return None


# --- the integration


_START = Walk(0.0, np.zeros(1), np.ones(1))


@lru_cache(maxsize=64)
def walks(times: tuple[float, ...], z: tuple[float, ...], sides: int = 2) -> tuple[Walk, ...]:
    """Per look, where the score stood at the look before, when none so far has stopped.

    The last boundary plays no part. Kept, because one readout asks many questions of one path.
    """
    found = [_START]
    for k in range(len(times) - 1):
        region = (_lower(z[k], sides), z[k])
        found.append(_advance(found[-1], times[k], times[k + 1], region))
    return tuple(found)


def chance_above(
    walk: Walk, now: float, z: float, effect: float = 0.0, mirrored: bool = False
) -> float:
    """The chance to come from ``walk`` and be above z now (mirrored: below -z).

    The walk was made without an effect; the likelihood ratio exp(effect x - effect^2 I / 2) turns
    it into the walk under one, so that one integration serves every effect that is asked about.
    """
    step = (now - walk.now) ** 0.5
    sign = -1.0 if mirrored else 1.0
    reach = (sign * (walk.nodes + effect * step**2) - z * now**0.5) / step
    if effect == 0:
        return float(walk.mass @ ndtr(reach))
    tilt = np.exp(effect * walk.nodes - effect**2 * walk.now / 2)
    return float((walk.mass * tilt) @ ndtr(reach))


def increasing(information: Sequence[float]) -> list[float]:
    """The looks' information, each at least a little more than the last."""
    times: list[float] = []
    for raw in information:
        at = times[-1] if times else 0.0
        times.append(max(raw, at * (1 + _SMALLEST_STEP), 1e-12))
    return times


def _lower(z: float, sides: int) -> float:
    """Where the region ends below: at the lower boundary, or where nothing is left."""
    return -z if sides == 2 else -FARTHEST_Z


def _solve(walk: Walk, now: float, increment: float) -> float:
    """The boundary at which the chance to pass it now on one side is ``increment``."""
    if increment <= 0:
        return FARTHEST_Z
    if walk is _START:
        return min(FARTHEST_Z, -float(ndtri(increment)))

    def surplus(z: float) -> float:
        return chance_above(walk, now, z) - increment

    if surplus(FARTHEST_Z) >= 0:
        return FARTHEST_Z
    nearest = -FARTHEST_Z if surplus(0.0) < 0 else 0.0
    return float(brentq(surplus, nearest, FARTHEST_Z, xtol=1e-10))


def _advance(walk: Walk, now: float, after: float, region: tuple[float, float]) -> Walk:
    """The walk one look on, where it stays within ``region`` (in z)."""
    step = (now - walk.now) ** 0.5
    low, high = region[0] * now**0.5, region[1] * now**0.5
    half = (high - low) / 2
    # The next look spreads this density by its own step: the nodes must be as close as that.
    points, weights = _legendre(_node_count(half, min(step, (after - now) ** 0.5)))
    arrived = (low + high) / 2 + half * points
    gap = (arrived[:, None] - walk.nodes[None, :]) / step
    density = np.exp(-(gap**2) / 2) @ walk.mass / (step * np.sqrt(2 * np.pi))
    return Walk(now, arrived, density * weights * half)


def _node_count(edge: float, step: float) -> int:
    """Enough nodes to follow a kernel of width ``step`` over the region: two a standard deviation.

    Against eight a standard deviation no boundary moves by 1e-11.
    """
    return int(min(512, max(64, 32 * np.ceil(edge / step / 8))))


@lru_cache(maxsize=16)
def _legendre(count: int) -> tuple[Floats, Floats]:
    points, weights = roots_legendre(count)
    return points, weights
