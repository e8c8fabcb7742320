"""Coverage, weights and ranges: from a place in [0, 1) to a variant, or to none."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from .hashing import Hasher, build_hasher

Range = tuple[float, float]
"""From (included) to (excluded), within 0 and 1."""

LOWEST_SUM: Final = 0.99
HIGHEST_SUM: Final = 1.01


@dataclass(slots=True, eq=False, repr=False)  # not frozen, as rules are not
class RingFilter:
    """The part of a ring of units that an experiment may use."""

    place: Hasher
    ranges: tuple[Range, ...]
    attribute: str | None  # None: the experiment's own unit
    seed: str = ""
    hash_version: int = 2

    def admits(self, unit: str) -> bool:
        """Whether the unit lies in one of the ranges."""
        return choose(self.place(unit), self.ranges) >= 0


def namespace_filter(name: str, low: float, high: float) -> RingFilter:
    """The ring that experiments share out, so that no unit is in two of them.

    Example:
        >>> namespace_filter("namespace1", 0.0, 1.0).admits("any learner")
        True
    """
    place = build_hasher("__" + name, 1)
    assert place is not None  # noqa: S101 - version 1 exists
    return RingFilter(place, ((low, high),), None, "__" + name, 1)


def equal_weights(n_variants: int) -> tuple[float, ...]:
    """The same share for each variant."""
    return (1 / n_variants,) * n_variants if n_variants > 0 else ()


def bucket_ranges(
    n_variants: int, coverage: float = 1.0, weights: Sequence[float] | None = None
) -> tuple[Range, ...]:
    """Each variant's part of [0, 1): its weight, of which the first `coverage` takes part.

    Growing the coverage lengthens each part at its end: no unit moves to another variant. Weights
    that do not fit (their number, or a sum away from 1) give equal shares, as the specification
    asks; a payload from our server never has such.

    Example:
        >>> bucket_ranges(2, 0.5, (0.4, 0.6))
        ((0.0, 0.2), (0.4, 0.7))
    """
    share = min(max(coverage, 0.0), 1.0)
    fits = weights is not None and len(weights) == n_variants
    if not fits or not LOWEST_SUM <= sum(weights or ()) <= HIGHEST_SUM:
        weights = equal_weights(n_variants)
    ranges: list[Range] = []
    start = 0.0
    for weight in weights or ():
        ranges.append((start, start + share * weight))
        start += weight
    return tuple(ranges)


def choose(place: float, ranges: tuple[Range, ...]) -> int:
    """The index of the first range that holds the place, or -1."""
    for index, (low, high) in enumerate(ranges):
        if low <= place < high:
            return index
    return -1
