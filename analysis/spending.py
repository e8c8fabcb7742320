"""Spending functions: how much alpha the looks so far may have used up. One row each."""

from collections.abc import Callable
from dataclasses import dataclass
from math import e, expm1, log1p
from typing import Final

OneSided = Callable[[float, float, float], float]
"""(alpha of one side, share of the information in (0, 1), shape) -> alpha spent by then."""


@dataclass(frozen=True)
class Spending:
    """One row of ``SPENDING``; with a shape, a plan may write "name:shape"."""

    name: str
    title: str
    answers: str  # whom it suits
    one_sided: OneSided
    shape: float | None = None  # unless the plan names one; None: there is none to name
    shapes: tuple[float, float] = (0.0, 0.0)  # the least and the largest that make sense


def _obrien_fleming(alpha: float, fraction: float, _: float) -> float:
    from scipy.special import ndtr, ndtri  # the server, which only checks names, starts sooner

    return float(2 * ndtr(ndtri(alpha / 2) / fraction**0.5))


def _pocock(alpha: float, fraction: float, _: float) -> float:
    return alpha * log1p((e - 1) * fraction)


def _power(alpha: float, fraction: float, rho: float) -> float:
    return float(alpha * fraction**rho)


def _exponential(alpha: float, fraction: float, gamma: float) -> float:
    if gamma == 0:
        return alpha * fraction
    return alpha * expm1(-gamma * fraction) / expm1(-gamma)


SPENDING: Final = (
    Spending(
        "obrien_fleming",
        "O'Brien-Fleming",
        "next to nothing early, nearly all at the end: full power for whoever can wait",
        _obrien_fleming,
    ),
    Spending(
        "pocock",
        "Pocock",
        "about the same bar at every look: for whoever must stop early, at a price in power",
        _pocock,
    ),
    Spending(
        "kim_demets",
        "Kim-DeMets power family",
        "alpha x share^rho: between the two, rho 1 near Pocock, rho 3 near O'Brien-Fleming",
        _power,
        shape=3.0,
        shapes=(0.1, 20.0),
    ),
    Spending(
        "hwang_shih_decani",
        "Hwang-Shih-DeCani",
        "an exponential between the two, gamma 1 near Pocock, gamma -4 near O'Brien-Fleming",
        _exponential,
        shape=-4.0,
        shapes=(-40.0, 10.0),
    ),
)

_BY_NAME: Final = {row.name: row for row in SPENDING}


def parse(spending: str) -> tuple[Spending, float]:
    """The row and the shape that a plan's ``spending`` names, e.g. "kim_demets:2".

    Raises:
        ValueError: there is no such function, or the shape makes no sense.
    """
    name, colon, written = spending.partition(":")
    row = _BY_NAME.get(name)
    if row is None:
        known = ", ".join(_BY_NAME)
        raise ValueError(f"spending: found {spending!r}; use one of {known}")
    if not colon:
        return row, row.shape or 0.0
    if row.shape is None:
        raise ValueError(f"spending: {name} has no shape; found {spending!r}, write {name!r}")
    low, high = row.shapes
    try:
        shape = float(written)
    except ValueError:
        shape = float("nan")
    if not low <= shape <= high:
        raise ValueError(
            f"spending: the shape in {spending!r} is not a number from {low:g} to {high:g};"
            f" write for example {name}:{row.shape:g}"
        )
    return row, shape


def spent_by(spending: str, alpha: float, fraction: float, sides: int = 2) -> float:
    """How much of ``alpha`` may be spent by this share of the planned information.

    Lan and DeMets (1983): nothing at the start, everything from the whole information on. Two
    sides spend half of alpha each.

    Args:
        spending: a row of ``SPENDING``, with or without ":shape".
        alpha: of all sides together.
        fraction: share of the planned information; may exceed 1.
        sides: 1 or 2.
    """
    row, shape = parse(spending)
    if fraction <= 0:
        return 0.0
    if fraction >= 1:
        return alpha
    return sides * row.one_sided(alpha / sides, fraction, shape)
