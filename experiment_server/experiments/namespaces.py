"""Namespaces: rings of units that experiments share out: no unit is in two of them. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from experiment_server.problems import conflict

Space = Mapping[str, Any]
"""{name, low, high}: the part of a namespace that one experiment uses."""


@dataclass(frozen=True)
class Taken:
    """A part of a namespace that an experiment uses, or wants to."""

    experiment: str
    state: str
    low: float
    high: float


def free_ranges(taken: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """What nobody uses of a ring, from low to high.

    Example:
        >>> free_ranges([(0.0, 0.25), (0.5, 1.0)])
        [(0.25, 0.5)]
    """
    free, reached = [], 0.0
    for low, high in sorted(taken):
        if low > reached:
            free.append((reached, low))
        reached = max(reached, high)
    return [*free, (reached, 1.0)] if reached < 1 else free


def taken_of(spaces: Iterable[tuple[str, str, Space | None]], name: str) -> list[Taken]:
    """Who uses which part of one namespace; ``spaces`` are (experiment, state, its space)."""
    return [
        Taken(experiment, state, space["low"], space["high"])
        for experiment, state, space in spaces
        if space is not None and space["name"] == name
    ]


def check_free(mine: Space, others: Sequence[Taken]) -> None:
    """Refuse a range of which a running experiment uses a part.

    Raises:
        Problem: 409, which says what is free.
    """
    for other in others:
        if other.low < mine["high"] and mine["low"] < other.high:
            raise conflict(
                f"In the namespace {mine['name']} the experiment {other.experiment} already has "
                f"{other.low:g} to {other.high:g}. {in_words(others)} Choose a range that is free, "
                "or stop that one first."
            )


def in_words(taken: Sequence[Taken]) -> str:
    """How much room is left."""
    free = free_ranges((one.low, one.high) for one in taken)
    if not free:
        return "Nothing is free."
    return "Free: " + ", ".join(f"{low:g} to {high:g}" for low, high in free) + "."


def overlaps(taken: Sequence[Taken]) -> list[tuple[Taken, Taken]]:
    """Pairs of which only one can run at a time."""
    return [
        (one, other)
        for one, other in combinations(taken, 2)
        if one.low < other.high and other.low < one.high
    ]
