"""Lan-DeMets: looking several times at one experiment without crying wolf more often."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri, roots_legendre

from analysis.contrast import FARTHEST_Z

Floats = npt.NDArray[np.float64]

# Looks closer than this share of the information are one look as far as new evidence goes.
_SMALLEST_STEP = 0.01


def obrien_fleming_spending(alpha: float, fraction: float) -> float:
    """How much of ``alpha`` (two-sided) may be spent by this share of the information.

    Lan and DeMets (1983), with the function that resembles O'Brien and Fleming: next to nothing
    early, nearly all at the end. Each side spends half.
    """
    if fraction <= 0:
        return 0.0
    if fraction >= 1:
        return alpha
    return float(4 * ndtr(ndtri(alpha / 4) / np.sqrt(fraction)))


def boundaries(information: Sequence[float], spent: Sequence[float]) -> tuple[float, ...]:
    """The |z| that each look must pass so that ``spent`` is what the looks spend.

    The score process is integrated forward on the region where no boundary was passed
    (Armitage, McPherson, Rowe 1969), with Gauss-Legendre nodes.

    Args:
        information: per look, in any unit, e.g. 1/se^2; a look that brings none is taken to
            bring a little.
        spent: per look, two-sided alpha spent so far, this look included; does not fall.

    Returns:
        Per look; ``FARTHEST_Z`` where there is no alpha to spend.
    """
    times = _increasing(information)
    steps = np.sqrt(np.diff(times, prepend=0.0))
    found: list[float] = []
    nodes = density = np.zeros(0)
    paid = 0.0
    for k, (now, step, cumulative) in enumerate(zip(times, steps, spent, strict=True)):
        increment = max(0.0, cumulative - paid)
        z = _solve(nodes, density, now, step, increment) if found else _first(increment)
        found.append(z)
        if k + 1 == len(times):
            break
        edge = z * now**0.5
        # The next look spreads this density by its own step: the nodes must be as close as that.
        points, weights = _legendre(_node_count(edge, min(step, steps[k + 1])))
        arrived = edge * points
        if k == 0:
            values = np.exp(-(arrived**2) / (2 * now)) / np.sqrt(2 * np.pi * now)
        else:
            gap = (arrived[:, None] - nodes[None, :]) / step
            values = np.exp(-(gap**2) / 2) @ density / (step * np.sqrt(2 * np.pi))
        nodes, density = arrived, values * weights * edge
        paid = max(paid, cumulative)
    return tuple(found)


def _increasing(information: Sequence[float]) -> list[float]:
    """The looks' information, each at least a little more than the last."""
    times: list[float] = []
    for raw in information:
        at = times[-1] if times else 0.0
        times.append(max(raw, at * (1 + _SMALLEST_STEP), 1e-12))
    return times


def _first(increment: float) -> float:
    return FARTHEST_Z if increment <= 0 else min(FARTHEST_Z, -float(ndtri(increment / 2)))


def _solve(nodes: Floats, density: Floats, now: float, step: float, increment: float) -> float:
    """The boundary at which the chance to pass it now, and not before, is ``increment``."""

    def surplus(z: float) -> float:
        passing = ndtr((nodes - z * now**0.5) / step)
        return float(2 * (passing @ density)) - increment

    if surplus(FARTHEST_Z) >= 0:
        return FARTHEST_Z
    return float(brentq(surplus, 0.0, FARTHEST_Z, xtol=1e-10))


def _node_count(edge: float, step: float) -> int:
    """Enough nodes to follow a kernel of width ``step`` over the region: two a standard deviation.

    Against eight a standard deviation no boundary moves by 1e-11.
    """
    return int(min(512, max(64, 32 * np.ceil(edge / step / 8))))


@lru_cache(maxsize=16)
def _legendre(count: int) -> tuple[Floats, Floats]:
    points, weights = roots_legendre(count)
    return points, weights
